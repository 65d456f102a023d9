import { readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sha256 } from '@adctl/protocol';
import { expect, it } from 'vitest';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';
import { listWeights, readWeights, storeWeights, weightsPath } from './weights-cache.js';

const makeFolder = temporaryFolders();
const CONTENT = Uint8Array.of(1, 2, 3);

it('stores weights under their digest, once, and gives them back', async () => {
  const cacheDir = await makeFolder();
  const first = await storeWeights(cacheDir, CONTENT);
  const again = await storeWeights(cacheDir, CONTENT);

  expect(first).toMatchObject({ sha256: sha256(CONTENT), bytes: 3, alreadyThere: false });
  expect(again.alreadyThere).toBe(true);
  expect(new Uint8Array(await readWeights(cacheDir, first.sha256))).toEqual(CONTENT);
  expect(await listWeights(cacheDir)).toEqual([{ sha256: first.sha256, path: first.path, bytes: 3 }]);
  expect(await readdir(dirname(first.path))).toHaveLength(1);
});

it('says what is missing or damaged, and storing again mends it', async () => {
  const cacheDir = await makeFolder();
  const digest = sha256(CONTENT);
  expect(await listWeights(cacheDir)).toEqual([]);
  await expect(readWeights(cacheDir, digest)).rejects.toMatchObject({ code: 'backbone_missing', kind: 'user' });

  await storeWeights(cacheDir, CONTENT);
  await writeFile(weightsPath(cacheDir, digest), 'something else');
  await expect(readWeights(cacheDir, digest)).rejects.toMatchObject({ code: 'backbone_damaged', kind: 'user' });
  expect((await storeWeights(cacheDir, CONTENT)).alreadyThere).toBe(false);
  expect(new Uint8Array(await readWeights(cacheDir, digest))).toEqual(CONTENT);
});
