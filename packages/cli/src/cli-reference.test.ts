import { expect, it } from 'vitest';
import { loadCommands } from './testing/all-commands.fixtures.js';
import { renderReference } from './testing/reference.fixtures.js';

it('docs/cli.md says what the commands say', async () => {
  await expect(renderReference(await loadCommands())).toMatchFileSnapshot('../../../docs/cli.md');
});
