import { Failure } from '@adctl/protocol';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { loadCommands } from './testing/all-commands.fixtures.js';

const commands = await loadCommands();
const FOLDER = '../../../schemas/cli';

function toText(schema: z.ZodType, title: string): string {
  const json = z.toJSONSchema(schema, { unrepresentable: 'any' });
  return `${JSON.stringify({ ...json, title }, null, 2)}\n`;
}

it.each([...commands])('schemas/cli holds the shape of "adctl %s --json"', async (id, command) => {
  const text = toText(command.answer, `adctl ${id} --json`);

  await expect(text).toMatchFileSnapshot(`${FOLDER}/${id.replaceAll(' ', '-')}.schema.json`);
});

it('schemas/cli holds the shape of an error with --json', async () => {
  const text = toText(z.object({ error: Failure }), 'Any adctl command with --json that fails');

  await expect(text).toMatchFileSnapshot(`${FOLDER}/error.schema.json`);
});
