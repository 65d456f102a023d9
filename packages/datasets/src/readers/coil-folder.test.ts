import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../open-dataset.js';
import { planSplits } from '../plan-splits.js';
import { greyPng } from '../testing/mvtec-folder.fixtures.js';
import { temporaryFolders } from '../testing/temporary-folder.fixtures.js';
import { listCoilFolder } from './coil-folder.js';

const makeFolder = temporaryFolders();

async function coilWith(names: readonly string[]): Promise<string> {
  const root = await makeFolder();
  const png = await greyPng(50);
  for (const name of names) await writeFile(join(root, name), png);
  return root;
}

describe('COIL-100', () => {
  it('takes classes from file names, leaving other files alone', async () => {
    const root = await coilWith(['obj1__0.png', 'obj1__5.png', 'obj10__0.png', 'obj2__355.png', 'readme.png']);

    const { classes, parts } = await listCoilFolder(root);

    expect(classes).toEqual(['obj1', 'obj10', 'obj2']);
    expect('whole' in parts && parts.whole.map(({ path, className }) => `${className} ${path}`)).toEqual([
      'obj10 obj10__0.png',
      'obj1 obj1__0.png',
      'obj1 obj1__5.png',
      'obj2 obj2__355.png',
    ]);
  });

  it('can be split 80-20 over all images of an object', async () => {
    const angles = Array.from({ length: 72 }, (_, i) => i * 5);
    const root = await coilWith([1, 2, 3].flatMap((object) => angles.map((angle) => `obj${object}__${angle}.png`)));
    const dataset = await openDataset({ name: 'coil-100', root }, { cacheDir: await makeFolder() });

    const { test } = planSplits(dataset, { protocol: 'one-class-80-20', normal: 'obj2', splitSeed: 1 });

    expect(dataset.shape).toEqual({ height: 32, width: 32, channels: 3 });
    expect(test.labels.filter((label) => label === 0)).toHaveLength(14);
    expect(test.labels.filter((label) => label === 1)).toHaveLength(14);
  });

  it('refuses a folder without such files', async () => {
    await expect(listCoilFolder(await coilWith(['a.png']))).rejects.toMatchObject({ code: 'bad_image_folder' });
  });
});
