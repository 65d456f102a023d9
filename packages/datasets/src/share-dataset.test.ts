import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type SharedManifest, sharedRoot } from '@adctl/protocol';
import { expect, it } from 'vitest';
import { datasetDirectory } from './cache.js';
import { openDataset, openFileDataset } from './open-dataset.js';
import { padDataset } from './pad-dataset.js';
import { findDataset } from './registry.js';
import { digestAt, type PackedDataset, packDataset } from './share-dataset.js';
import { receiveShared } from './shared-cache.js';
import { categoryFiles, greyPng, writeFiles } from './testing/mvtec-folder.fixtures.js';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';
import { tinyCard, writeTinyFiles } from './testing/tiny-card.fixtures.js';

const makeFolder = temporaryFolders();

const noBasis = () => Promise.reject(new Error('the basis was asked for'));

/** Brings a packed data set into another cache, as a worker does. */
async function receive(packed: PackedDataset, cacheDir: string): Promise<void> {
  await receiveShared(packed.facts, packed.manifest, {
    cacheDir,
    async *read(file) {
      yield await packed.read(packed.manifest.files.find(({ sha256 }) => sha256 === file)!);
    },
    repeat: (step) => step(),
    now: Date.now,
    onProgress: () => undefined,
  });
}

async function classFolders(): Promise<string> {
  const root = await makeFolder();
  const files: Record<string, Uint8Array> = {};
  for (const name of ['bolt', 'nut']) {
    for (let i = 0; i < 5; i++) files[`${name}/${i}.png`] = await greyPng(10 * i + name.length);
  }
  await writeFiles(root, files);
  return root;
}

it.each(['', '.gz'] as const)(
  'a set of fixed files, stored as NAME%s, has the digest of the set itself at every size',
  async (suffix) => {
    const cacheDir = await makeFolder();
    await writeTinyFiles(datasetDirectory(cacheDir, 'tiny'), suffix);
    const own = await openFileDataset(tinyCard(), undefined, { cacheDir });

    const { facts, manifest, read } = await packDataset(tinyCard(), { root: undefined, cacheDir });

    expect(facts).toMatchObject({
      ...{ name: 'tiny', kind: 'files', digest: own.digest, classes: ['zero', 'one'], reader: 'idx/1' },
      ...{ shape: { height: 2, width: 3, channels: 1 }, counts: { train: 4, test: 2 }, files: 4 },
    });
    expect((await read(manifest.files[0]!)).length).toBe(manifest.files[0]!.bytes);
    const larger = { height: 8, width: 8, channels: 1 };
    expect(await digestAt(facts, own.shape, noBasis)).toBe(own.digest);
    expect(await digestAt(facts, larger, noBasis)).toBe(padDataset(own, larger).digest);
    await expect(digestAt(facts, { ...larger, height: 1 }, noBasis)).rejects.toMatchObject({
      code: 'unsupported_image_size',
    });
  },
);

it.each([
  ['folder', classFolders],
  [
    'mvtec',
    async () => {
      const root = await makeFolder();
      for (const category of ['mesh', 'tile']) await writeFiles(join(root, category), await categoryFiles());
      return root;
    },
  ],
] as const)('images shared as %s are the same data set on another machine, at every size', async (name, makeImages) => {
  const root = await makeImages();
  const cacheDir = await makeFolder();
  const elsewhere = await makeFolder();

  const packed = await packDataset(findDataset(name), { root, cacheDir });
  await receive(packed, elsewhere);

  const basis = async () => packed.manifest.basis;
  for (const input of [packed.facts.shape, { height: 4, width: 5, channels: 1 }]) {
    const here = await openDataset({ name, root, input }, { cacheDir });
    const there = await openDataset({ name, root: sharedRoot(packed.facts.digest), input }, { cacheDir: elsewhere });
    expect(there.digest).toBe(here.digest);
    expect(await digestAt(packed.facts, input, basis)).toBe(here.digest);
    expect(await there.train.read(Int32Array.of(0, 1))).toEqual(await here.train.read(Int32Array.of(0, 1)));
    expect([...there.test.labels]).toEqual([...here.test.labels]);
    expect(there.defects).toEqual(here.defects);
  }
  await expect(digestAt(packed.facts, { height: 4, width: 4, channels: 2 }, basis)).rejects.toMatchObject({
    code: 'unsupported_image_size',
  });
});

it('a category that cannot be used keeps the set from being shared, with the reason', async () => {
  const root = await makeFolder();
  await writeFiles(join(root, 'mesh'), await categoryFiles());
  await rm(join(root, 'mesh/ground_truth/hole'), { recursive: true });

  await expect(packDataset(findDataset('mvtec'), { root, cacheDir: await makeFolder() })).rejects.toMatchObject({
    code: 'bad_mask',
  });
});

it('a folder that is a category itself is not shared: elsewhere it would have another name', async () => {
  const root = await makeFolder();
  await writeFiles(root, await categoryFiles());

  await expect(packDataset(findDataset('mvtec'), { root, cacheDir: await makeFolder() })).rejects.toMatchObject({
    code: 'bad_image_folder',
    message: expect.stringContaining('share the folder that holds it'),
  });
});

it('a file that changes while it is shared is refused', async () => {
  const root = await classFolders();
  const { manifest, read } = await packDataset(findDataset('folder'), { root, cacheDir: await makeFolder() });
  const file = manifest.files[0]!;

  await writeFile(join(root, file.path), 'other');

  await expect(read(file)).rejects.toMatchObject({
    code: 'corrupt_dataset',
    message: expect.stringContaining(file.path),
  });
});

it('asks for the folder of images, and for files that are not in the cache', async () => {
  const cacheDir = await makeFolder();

  await expect(packDataset(findDataset('folder'), { root: undefined, cacheDir })).rejects.toMatchObject({
    code: 'bad_image_folder',
  });
  await expect(packDataset(findDataset('mnist'), { root: undefined, cacheDir })).rejects.toMatchObject({
    code: 'dataset_missing',
  });
});

it('does not look at files that were not listed', async () => {
  const root = await classFolders();
  await mkdir(join(root, '.hidden'), { recursive: true });
  await writeFile(join(root, '.hidden/1.png'), 'x');
  await writeFile(join(root, 'bolt/notes.txt'), 'x');

  const { manifest } = await packDataset(findDataset('folder'), { root, cacheDir: await makeFolder() });

  const folders = new Set(manifest.files.map(({ path }: SharedManifest['files'][number]) => dirname(path)));
  expect([...folders].sort()).toEqual(['bolt', 'nut']);
  expect(manifest.files.every(({ path }) => path.endsWith('.png'))).toBe(true);
});
