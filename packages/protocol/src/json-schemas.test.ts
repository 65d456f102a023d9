import { readFileSync } from 'node:fs';
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

test('the reference of the sweep file names every key of the schema', () => {
  const reference = readFileSync(new URL('../../../docs/sweep-file.md', import.meta.url), 'utf8');
  const keys = new Set<string>();
  const collect = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return;
    for (const key of Object.keys((node as { properties?: object }).properties ?? {})) keys.add(key);
    Object.values(node).forEach(collect);
  };
  collect(createSweepJsonSchema());

  expect(keys.size).toBeGreaterThan(40);
  expect([...keys].filter((key) => !new RegExp(`[\`.]${key}[\`.:]`).test(reference))).toEqual([]);
});
