import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolders } from '../testing/temporary-folder.fixtures.js';
import { openIdx, openIdxSubset } from './idx.js';
import { encodeIdx, writeIdx } from './write-idx.js';

const makeFolder = temporaryFolders();

const images = encodeIdx(
  [3, 2, 2],
  Uint8Array.from({ length: 12 }, (_, index) => index),
);
const labels = encodeIdx([3], Uint8Array.of(2, 0, 1));
const shape = { height: 2, width: 2, channels: 1 };

async function openPair(change: { images?: Uint8Array; labels?: Uint8Array; packed?: boolean } = {}) {
  const folder = await makeFolder();
  const suffix = change.packed ? '.gz' : '';
  const imagesPath = join(folder, `images${suffix}`);
  const labelsPath = join(folder, `labels${suffix}`);
  await writeFile(imagesPath, change.images ?? (change.packed ? gzipSync(images) : images));
  await writeFile(labelsPath, change.labels ?? (change.packed ? gzipSync(labels) : labels));
  return openIdxSubset({ imagesPath, labelsPath, shape, classCount: 3 });
}

describe('openIdxSubset', () => {
  it.each([false, true])('reads images in the order asked for, packed: %s', async (packed) => {
    const { subset } = await openPair({ packed });

    expect(subset.count).toBe(3);
    expect([...subset.labels]).toEqual([2, 0, 1]);
    expect([...(await subset.read(Int32Array.of(2, 0, 2)))]).toEqual([8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  });

  it('gives a buffer that the caller may write to without harm', async () => {
    const { subset } = await openPair();
    const first = await subset.read(Int32Array.of(1));

    first.fill(255);

    expect([...(await subset.read(Int32Array.of(1)))]).toEqual([4, 5, 6, 7]);
  });

  it.each([-1, 3])('refuses position %i', async (position) => {
    const { subset } = await openPair();

    await expect(subset.read(Int32Array.of(position))).rejects.toThrow(RangeError);
  });

  const bytes = (content: Uint8Array, change: (copy: Buffer) => void) => {
    const copy = Buffer.from(content);
    change(copy);
    return copy;
  };
  it.each<[string, Parameters<typeof openPair>[0], RegExp]>([
    ['an empty file', { images: Buffer.alloc(0) }, /images: truncated header: expected 16 bytes, found 0/],
    ['a truncated header', { labels: labels.subarray(0, 5) }, /labels: truncated header: expected 8 bytes, found 5/],
    ['a truncated body', { images: images.subarray(0, 20) }, /images: truncated body: expected 28 bytes, found 20/],
    [
      'surplus bytes',
      { labels: Buffer.concat([labels, labels]) },
      /labels: surplus bytes.* expected 11 bytes, found 22/,
    ],
    [
      'a wrong magic number',
      { images: bytes(images, (copy) => copy.writeUInt8(0x0d, 2)) },
      /images: wrong magic number: expected 0x00000803, found 0x00000d03/,
    ],
    ['labels in place of images', { images: labels }, /images: truncated header|wrong magic/],
    ['another image size', { images: encodeIdx([3, 4, 1], new Uint8Array(12)) }, /images are 4 x 1, expected 2 x 2/],
    ['fewer labels than images', { labels: encodeIdx([2], Uint8Array.of(0, 1)) }, /holds 2 labels for the 3 images/],
    [
      'a label without a class',
      { labels: encodeIdx([3], Uint8Array.of(0, 3, 1)) },
      /labels: label 3 at position 1 is out of range 0..2/,
    ],
    ['gzip that is none', { images, packed: true }, /images.gz: broken gzip stream: incorrect header check/],
    ['truncated gzip', { images: gzipSync(images).subarray(0, 25), packed: true }, /images.gz: broken gzip stream/],
    [
      'a wrong gzip checksum',
      { images: bytes(gzipSync(images), (copy) => copy.fill(0, copy.length - 8)), packed: true },
      /broken gzip/,
    ],
    [
      'a header that claims far more than there is',
      { images: bytes(images, (copy) => copy.writeUInt32BE(0xffffffff, 4)) },
      /truncated body/,
    ],
  ])('names file and reason for %s', async (_, change, message) => {
    await expect(openPair(change)).rejects.toMatchObject({
      kind: 'user',
      code: 'corrupt_dataset',
      message: expect.stringMatching(message),
    });
  });
});

describe('openIdx', () => {
  it('notices that a file changed between opening and reading', async () => {
    const path = join(await makeFolder(), 'labels');
    await writeIdx(path, [3], Uint8Array.of(1, 2, 3));
    const file = await openIdx(path, 1);

    await writeFile(path, 'gone');

    await expect(file.readValues()).rejects.toMatchObject({
      code: 'corrupt_dataset',
      message: expect.stringContaining('expected 11 bytes, found 4'),
    });
  });
});
