import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasetDirectory, findDataset, packDataset } from '@adctl/datasets';
import { digestOf, SharedDataset, SharedManifest, sha256, sharedFileKey, sharedRoot } from '@adctl/protocol';
import { type ObjectStore, shareDataset } from '@adctl/storage';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDatasetCatalog } from './datasets.js';

let folder: string;
let cacheDir: string;
let objects: ObjectStore;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'adctl-catalog-')));
  cacheDir = join(folder, 'cache');
  objects = createFilesystemStore(join(folder, 'objects'));
});
afterEach(() => rm(folder, { recursive: true }));

const SHAPE = { height: 28, width: 28, channels: 1 };

/** What `adctl datasets share mnist` says of it, for files that are nowhere. */
async function shareMnist(changes: Partial<SharedDataset> = {}) {
  const files = [{ path: 'train-images', bytes: 1, sha256: sha256('x') }];
  const manifest = SharedManifest.parse({ version: 1, files, basis: {} });
  const facts = SharedDataset.parse({
    ...{ version: 1, name: 'mnist', kind: 'files', digest: sha256('mnist'), reader: 'idx/1', shape: SHAPE },
    ...{ classes: ['0', '1', '2'], counts: { train: 3, test: 3 }, files: 1, bytes: 1, manifest: digestOf(manifest) },
    ...changes,
  });
  await shareDataset(objects, { facts, manifest }, { read: async () => Buffer.from('x') });
  return facts;
}

async function writeImages(root: string): Promise<void> {
  for (const name of ['bolt', 'nut']) {
    await mkdir(join(root, name), { recursive: true });
    for (let i = 0; i < 5; i++) await writeFile(join(root, name, `${i}.png`), `${name} ${i}`);
  }
}

const mnist = { name: 'mnist', protocol: 'one-class' };

describe('a data set that is not in the cache', () => {
  test('is planned with what was shared of it, and no file is read', async () => {
    const { digest } = await shareMnist();
    const catalog = createDatasetCatalog({ cacheDir, objects });

    expect(await catalog.look(mnist)).toEqual({
      ...{ classes: ['0', '1', '2'], shape: SHAPE, digest },
      protocols: ['one-class', 'one-class-80-20', 'leave-one-out'],
    });
    const larger = await catalog.look({ ...mnist, image: { ...SHAPE, width: 32 } });
    expect(larger.shape.width).toBe(32);
    expect(larger.digest).not.toBe(digest);
  });

  test('says how to fetch and share it', async () => {
    const refused = createDatasetCatalog({ cacheDir, objects }).look(mnist);

    await expect(refused).rejects.toMatchObject({
      kind: 'user',
      code: 'dataset_missing',
      message: 'data set mnist is neither in the cache nor in the object store',
      hint: expect.stringMatching(/adctl datasets fetch mnist .* adctl datasets share mnist$/),
    });
  });

  test('is not planned with what another reader made of it', async () => {
    await shareMnist({ reader: 'idx/0' });

    await expect(createDatasetCatalog({ cacheDir, objects }).look(mnist)).rejects.toMatchObject({
      code: 'dataset_missing',
    });
  });

  test('whose files here are damaged counts as not there, and is damaged where nothing is shared', async () => {
    const own = datasetDirectory(cacheDir, 'mnist');
    await mkdir(own, { recursive: true });
    for (const name of ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']) {
      await writeFile(join(own, `${name}-ubyte`), 'x');
    }
    const { look } = createDatasetCatalog({ cacheDir, objects });

    await expect(look(mnist)).rejects.toMatchObject({ code: 'digest_mismatch' });
    const { digest } = await shareMnist();
    expect((await look(mnist)).digest).toBe(digest);
  });
});

describe('a shared folder of images', () => {
  test('is known by the digest that the sweep names, at every image size', async () => {
    const root = join(folder, 'images');
    await writeImages(root);
    const packed = await packDataset(findDataset('folder'), { root, cacheDir: join(folder, 'laptop') });
    await shareDataset(objects, packed, packed);
    const named = { name: 'folder', protocol: 'one-class', root: sharedRoot(packed.facts.digest) };
    const inCluster = createDatasetCatalog({ cacheDir, objects, dataRoots: [] });
    const onLaptop = createDatasetCatalog({ cacheDir: join(folder, 'laptop') });

    for (const image of [undefined, { height: 16, width: 8, channels: 3 }]) {
      expect(await inCluster.look({ ...named, image })).toEqual(await onLaptop.look({ ...named, root, image }));
    }
    await objects.put(sharedFileKey(packed.facts.manifest), Buffer.from('{}'));
    await expect(inCluster.look({ ...named, image: SHAPE })).rejects.toMatchObject({ code: 'shared_dataset_damaged' });
    await expect(inCluster.look({ ...named, name: 'coil-100' })).rejects.toMatchObject({ code: 'dataset_missing' });
    await expect(inCluster.look({ ...named, root: sharedRoot(sha256('x')) })).rejects.toMatchObject({
      code: 'dataset_missing',
    });
  });
});

describe('a folder', () => {
  test('is read below the allowed ones only', async () => {
    for (const name of ['data', 'data-of-others']) await writeImages(join(folder, name, 'set'));
    const { look } = createDatasetCatalog({ cacheDir, objects, dataRoots: [join(folder, 'data')] });
    const request = (root: string) => look({ name: 'folder', protocol: 'one-class', root });

    expect((await request(join(folder, 'data/set'))).classes).toEqual(['bolt', 'nut']);
    for (const root of ['data-of-others/set', 'data/../data-of-others/set', '.'].map((path) => `${folder}/${path}`)) {
      await expect(request(root), root).rejects.toMatchObject({ kind: 'user', code: 'data_root_refused' });
    }
    // Fixed sets may be given a folder too; it is no way around.
    await expect(look({ ...mnist, root: '/etc' })).rejects.toMatchObject({ code: 'data_root_refused' });
  });
});
