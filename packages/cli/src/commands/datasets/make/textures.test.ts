import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEXTURE_DEFAULTS, TEXTURE_FAMILIES } from '@adctl/datasets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../testing/run-command.fixtures.js';
import DatasetsMakeTextures from './textures.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-textures-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const SMALL = ['--size', '32', '--train', '3', '--test', '1', '--defective', '2', '--families', 'mesh,tile'];

describe('adctl datasets make textures', () => {
  it('makes the set that its flags name and says so', async () => {
    const out = join(folder, 'set');

    const { stdout, stderr, exitCode } = await runCommand(DatasetsMakeTextures, [
      '--out',
      out,
      '--seed',
      '5',
      ...SMALL,
    ]);

    expect(exitCode).toBe(0);
    expect(stdout).toBe(`${out}: mesh, tile; 12 images, 4 masks\n`);
    expect(stderr).toBe('making textures\n');
    expect(JSON.parse(await readFile(join(out, 'textures.json'), 'utf8'))).toMatchObject({
      options: { seed: 5, size: 32, train: 3, test: 1, defective: 2 },
    });
  });

  it('ends with exit code 2 and the range for a size out of range', async () => {
    const { stderr, exitCode } = await runCommand(DatasetsMakeTextures, ['--out', join(folder, 'set'), '--size', '8']);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('size is 8; expected a whole number from 32 to 1024');
  });

  it('tells the defaults and families that there are', () => {
    const { flags } = DatasetsMakeTextures;

    for (const [name, value] of Object.entries(TEXTURE_DEFAULTS)) {
      expect(flags[name as keyof typeof TEXTURE_DEFAULTS].summary).toMatch(new RegExp(`Default: ${value}\\.$`));
    }
    expect(flags.families.summary).toContain(TEXTURE_FAMILIES.map(({ name }) => name).join(', '));
  });
});
