import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTextures } from '@adctl/datasets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DatasetsShowAnswer } from '../../answers/datasets.js';
import { runCommand } from '../../testing/run-command.fixtures.js';
import DatasetsShow from './show.js';

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-show-'));
  vi.stubEnv('ADCTL_CACHE_DIR', join(folder, 'cache'));
  root = join(folder, 'set');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const show = async (...argv: string[]) => {
  const { stdout, exitCode } = await runCommand(DatasetsShow, [...argv, '--json']);
  expect(exitCode, stdout).toBe(0);
  return DatasetsShowAnswer.parse(JSON.parse(stdout));
};

describe('adctl datasets show --root', () => {
  beforeEach(async () => {
    const small = { families: ['mesh', 'tile'], size: 32, seed: 1, train: 3, test: 1, defective: 2 };
    await makeTextures({ ...small, out: root });
  });

  it('tells categories, defects, masks, sizes and what is wrong', async () => {
    await rm(join(root, 'tile', 'ground_truth'), { recursive: true });
    const { opened } = await show('mvtec', '--root', root);

    expect(opened?.categories).toHaveLength(2);
    const [mesh, tile] = opened?.categories ?? [];
    expect(mesh).toMatchObject({ category: 'mesh', train: 3, masks: 2, problem: null });
    expect(mesh?.test).toMatchObject({ good: 1 });
    expect(Object.keys(mesh?.test ?? {})[0]).toBe('good');
    expect(mesh?.sizes).toEqual([{ width: 32, height: 32, channels: 1, images: 6 }]);
    expect(tile?.problem).toMatch(/ground_truth\/.*_mask\.png.*is missing/);
  });

  it('says it in a table, with the sizes that differ and the file that cannot be read', async () => {
    await writeFile(join(root, 'mesh', 'train', 'good', '000.png'), 'no picture');
    const { stdout, exitCode } = await runCommand(DatasetsShow, ['mvtec', '--root', root]);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/CATEGORY +TRAIN +TEST +MASKS +SIZES/);
    expect(stdout).toMatch(/tile +3 +1 good, 1 \S+, 1 \S+ +2 +32x32x3/);
    expect(stdout).toMatch(/mesh cannot be used: .*000\.png: cannot be read as an image/);
  });

  it('tells a set that is not MVTec AD from it', async () => {
    const { opened } = await show('mvtec-ad', '--root', root);

    expect(opened?.categories?.map(({ problem }) => problem)).toEqual([
      expect.stringContaining('is no category of MVTec AD'),
      expect.stringContaining('MVTec AD has 230 training'),
    ]);
  });

  it('refuses a folder that is none of this layout', async () => {
    const { stdout, exitCode } = await runCommand(DatasetsShow, ['mvtec', '--root', join(folder, 'cache'), '--json']);

    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout).error.code).toBe('bad_image_folder');
  });
});
