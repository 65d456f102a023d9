import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { datasetDirectory } from './cache.js';
import { openDataset, openFileDataset } from './open-dataset.js';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';
import { tinyCard, writeTinyFiles } from './testing/tiny-card.fixtures.js';

const makeFolder = temporaryFolders();

describe('openFileDataset', () => {
  it('opens from the cache and from the user folder, packed or not, with one digest', async () => {
    const cacheDir = await makeFolder();
    const root = await makeFolder();
    await writeTinyFiles(datasetDirectory(cacheDir, 'tiny'));
    await writeTinyFiles(root, '.gz');

    const cached = await openFileDataset(tinyCard(), undefined, { cacheDir });
    const own = await openFileDataset(tinyCard(), root, { cacheDir });

    expect(own.digest).toBe(cached.digest);
    expect([...cached.train.labels]).toEqual([0, 1, 0, 1]);
    expect([...(await own.test.read(Int32Array.of(1)))]).toEqual(Array(6).fill(201));
  });

  it('reads again after close', async () => {
    const root = await makeFolder();
    await writeTinyFiles(root);
    const dataset = await openFileDataset(tinyCard(), root, { cacheDir: root });
    const before = await dataset.train.read(Int32Array.of(0));

    await dataset.close();

    expect(await dataset.train.read(Int32Array.of(0))).toEqual(before);
  });

  it('names expected and found digest and the command that mends it', async () => {
    const cacheDir = await makeFolder();
    const directory = datasetDirectory(cacheDir, 'tiny');
    await writeTinyFiles(directory);
    await truncate(join(directory, 'test-labels'), 9);

    await expect(openFileDataset(tinyCard(), undefined, { cacheDir })).rejects.toMatchObject({
      kind: 'user',
      code: 'digest_mismatch',
      message: expect.stringMatching(/test-labels: sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}/),
      hint: expect.stringContaining('adctl datasets fetch tiny --force'),
    });
  });

  it('changes the digest with the reader, so a mended reader is never taken for the old one', async () => {
    const root = await makeFolder();
    await writeTinyFiles(root);
    const open = async (reader: string) => openFileDataset(tinyCard({ reader }), root, { cacheDir: root });

    expect((await open('idx/2')).digest).not.toBe((await open('idx/1')).digest);
  });

  it('refuses files that hold another number of images than the card says', async () => {
    const root = await makeFolder();
    await writeTinyFiles(root);

    await expect(
      openFileDataset(tinyCard({ counts: { train: 5, test: 2 } }), root, { cacheDir: root }),
    ).rejects.toMatchObject({
      code: 'corrupt_dataset',
      message: expect.stringContaining('train holds 4 images, expected 5'),
    });
  });
});

describe('openDataset', () => {
  it('suggests the nearest name', async () => {
    await expect(openDataset({ name: 'fashion_mnist' }, { cacheDir: '/nowhere' })).rejects.toMatchObject({
      kind: 'user',
      code: 'unknown_dataset',
      hint: expect.stringContaining("Did you mean 'fashion-mnist'?"),
    });
  });

  it('says which files are missing and how to get them', async () => {
    const cacheDir = await makeFolder();

    await expect(openDataset({ name: 'mnist' }, { cacheDir })).rejects.toMatchObject({
      kind: 'user',
      code: 'dataset_missing',
      message: expect.stringContaining('train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte'),
      hint: expect.stringContaining('adctl datasets fetch mnist'),
    });
  });
});

describe('openDataset for a folder', () => {
  async function imageFolder(perClass: number): Promise<string> {
    const root = await makeFolder();
    for (const className of ['crack', 'good']) {
      for (let index = 0; index < perClass; index++) {
        const path = join(root, className, `${index}.png`);
        await mkdir(dirname(path), { recursive: true });
        const background = { r: index, g: index, b: index };
        await writeFile(
          path,
          await sharp({ create: { width: 4, height: 4, channels: 3, background } })
            .png()
            .toBuffer(),
        );
      }
    }
    return root;
  }
  const input = { height: 2, width: 2, channels: 1 };

  it('draws 80/20 of each class, the same every time, and says so', async () => {
    const root = await imageFolder(10);
    const cacheDir = await makeFolder();

    const dataset = await openDataset({ name: 'folder', root, input }, { cacheDir });
    const again = await openDataset({ name: 'folder', root, input }, { cacheDir });

    expect(dataset.partition).toEqual({ name: 'seeded-80-20', seed: 0 });
    expect([...dataset.train.labels]).toEqual([...Array(8).fill(0), ...Array(8).fill(1)]);
    expect([...dataset.test.labels]).toEqual([0, 0, 1, 1]);
    expect(again.digest).toBe(dataset.digest);
    const all = Int32Array.from({ length: 16 }, (_, index) => index);
    expect(await again.train.read(all)).toEqual(await dataset.train.read(all));
  });

  it('never gives an image to both parts', async () => {
    const root = await imageFolder(10);
    const dataset = await openDataset({ name: 'folder', root, input }, { cacheDir: await makeFolder() });

    const shades = async (part: 'train' | 'test') => {
      const positions = Int32Array.from(dataset[part].labels.keys()).filter(
        (index) => dataset[part].labels[index] === 0,
      );
      const images = await dataset[part].read(positions);
      return Array.from(positions, (_, index) => images[index * 4]!);
    };

    expect([...(await shades('train')), ...(await shades('test'))].sort((a, b) => a - b)).toEqual([
      ...Array(10).keys(),
    ]);
  });

  it('stamps another digest when a file or the image size changes', async () => {
    const root = await imageFolder(3);
    const cacheDir = await makeFolder();
    const digestAt = async (height: number) =>
      (await openDataset({ name: 'folder', root, input: { ...input, height } }, { cacheDir })).digest;
    const before = await digestAt(2);

    expect(await digestAt(3)).not.toBe(before);
    await writeFile(join(root, 'good/0.png'), 'other');
    expect(await digestAt(2)).not.toBe(before);
  });

  it('refuses pixels of a file that was changed since it was opened, and opens the changed one as another data set', async () => {
    const root = await imageFolder(3);
    const cacheDir = await makeFolder();
    const opened = await openDataset({ name: 'folder', root, input }, { cacheDir });
    const all = ({ count }: { readonly count: number }) => Int32Array.from({ length: count }, (_, index) => index);
    await opened.train.read(all(opened.train));

    const other = await readFile(join(root, 'good/2.png'));
    for (const index of [0, 1]) await writeFile(join(root, `good/${index}.png`), other);
    const anew = await openDataset({ name: 'folder', root, input }, { cacheDir });

    const good = opened.train.labels.indexOf(1);
    await expect(opened.train.read(Int32Array.of(good))).rejects.toMatchObject({
      code: 'dataset_changed',
      kind: 'user',
      message: expect.stringContaining(join(root, 'good/')),
    });
    expect(await opened.train.read(Int32Array.of(opened.train.labels.indexOf(0)))).toHaveLength(4);
    expect(anew.digest).not.toBe(opened.digest);
    await anew.train.read(all(anew.train));
  });

  it('names the corrupt file when it is read, not before', async () => {
    const root = await imageFolder(2);
    await writeFile(join(root, 'crack/0.png'), 'other');
    const dataset = await openDataset({ name: 'folder', root, input }, { cacheDir: await makeFolder() });
    const part = dataset.train;
    const other = dataset.test;

    const reads = await Promise.allSettled([part.read(Int32Array.of(0)), other.read(Int32Array.of(0))]);

    expect(reads.filter(({ status }) => status === 'rejected')).toEqual([
      {
        status: 'rejected',
        reason: expect.objectContaining({
          code: 'corrupt_image',
          message: expect.stringContaining(join(root, 'crack/0.png')),
        }),
      },
    ]);
  });

  it('asks for a root', async () => {
    await expect(openDataset({ name: 'folder' }, { cacheDir: '/nowhere' })).rejects.toMatchObject({
      code: 'bad_image_folder',
      message: expect.stringContaining('no root given'),
    });
  });
});
