import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasShared, openDataset, sharedDirectory } from '@adctl/datasets';
import { type Sha256, sha256, sharedRoot, type TrialSpec } from '@adctl/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDatasetCache } from './dataset-cache.js';

let folder: string;
let cacheDir: string;
let images: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-open-'));
  cacheDir = join(folder, 'cache');
  images = join(folder, 'images');
  for (const name of ['bolt', 'nut']) {
    await mkdir(join(images, name), { recursive: true });
    for (let i = 0; i < 5; i++) await writeFile(join(images, name, `${i}.png`), `${name} ${i}`);
  }
});
afterEach(() => rm(folder, { recursive: true }));

const input = { height: 8, width: 8, channels: 1 };
const specOf = (root: string, digest: Sha256) =>
  ({ dataset: { name: 'folder', root, input, digest } }) as unknown as TrialSpec;

test('a copy from the object store that is not whole any more is removed, to be fetched again', async () => {
  const { digest } = await openDataset({ name: 'folder', root: images, input }, { cacheDir });
  const shared = sha256('shared');
  await cp(images, sharedDirectory(cacheDir, shared), { recursive: true });
  const spec = specOf(sharedRoot(shared), digest);
  expect((await createDatasetCache(cacheDir).open(spec)).digest).toBe(digest);

  await writeFile(join(sharedDirectory(cacheDir, shared), 'bolt/0.png'), 'other bytes');

  await expect(createDatasetCache(cacheDir).open(spec)).rejects.toMatchObject({
    kind: 'transient',
    code: 'dataset_copy_damaged',
    cause: { code: 'dataset_changed' },
  });
  expect(await hasShared(cacheDir, shared)).toBe(false);
});

test('a folder of the user’s is left as it is when it changed', async () => {
  const cache = createDatasetCache(cacheDir);

  await expect(cache.open(specOf(images, sha256('planned')))).rejects.toMatchObject({
    kind: 'user',
    code: 'dataset_changed',
  });
  await expect(openDataset({ name: 'folder', root: images, input }, { cacheDir })).resolves.toBeDefined();
});
