import { readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sha256 } from '@adctl/protocol';
import { expect, it } from 'vitest';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';
import { hasWeights, listWeights, readWeights, receiveWeights, storeWeights, weightsPath } from './weights-cache.js';

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

it('takes weights in chunks, whole and right or not at all', async () => {
  const cacheDir = await makeFolder();
  const digest = sha256(CONTENT);
  const chunks = async function* (...parts: readonly number[][]) {
    for (const part of parts) yield Uint8Array.from(part);
  };

  expect(await hasWeights(cacheDir, digest)).toBe(false);
  await expect(receiveWeights(cacheDir, digest, chunks([1, 2], [4]), 'object w')).rejects.toMatchObject({
    code: 'backbone_damaged',
    kind: 'user',
    message: expect.stringMatching(/^object w: its sha256 is/),
  });
  expect(await readdir(dirname(weightsPath(cacheDir, digest)))).toEqual([]);
  const received = await receiveWeights(cacheDir, digest, chunks([1, 2], [3]), 'object w');

  expect(received).toEqual({ path: weightsPath(cacheDir, digest), bytes: 3 });
  expect(await hasWeights(cacheDir, digest)).toBe(true);
  expect(new Uint8Array(await readWeights(cacheDir, digest))).toEqual(CONTENT);
});
