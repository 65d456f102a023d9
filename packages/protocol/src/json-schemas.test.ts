import { expect, test } from 'vitest';
import { z } from 'zod';
import { createSweepJsonSchema, Leaderboard } from './index.js';

// `npm run schemas -w packages/protocol` writes the files anew.
const FOLDER = '../../../schemas';

const toText = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;

test('the checked-in sweep schema is the one made from the source', async () => {
  await expect(toText(createSweepJsonSchema())).toMatchFileSnapshot(`${FOLDER}/sweep.schema.json`);
});

test('the checked-in leaderboard schema is the one made from the source', async () => {
  await expect(toText(z.toJSONSchema(Leaderboard))).toMatchFileSnapshot(`${FOLDER}/leaderboard.schema.json`);
});
