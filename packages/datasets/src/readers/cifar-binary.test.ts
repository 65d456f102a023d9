import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolders } from '../testing/temporary-folder.fixtures.js';
import { openCifarSubset } from './cifar-binary.js';

const makeFolder = temporaryFolders();
const PLANE = 32 * 32;

/** Red counts up, green is `green`, blue is `blue`. */
function record(labels: readonly number[], green: number, blue: number): Buffer {
  const red = Uint8Array.from({ length: PLANE }, (_, pixel) => pixel % 256);
  return Buffer.concat([Uint8Array.from(labels), red, Buffer.alloc(PLANE, green), Buffer.alloc(PLANE, blue)]);
}

async function openFiles(contents: readonly Uint8Array[], labelBytes = 1, labelOffset = 0) {
  const folder = await makeFolder();
  const paths = contents.map((_, index) => join(folder, `batch_${index}.bin`));
  for (const [index, content] of contents.entries()) await writeFile(paths[index]!, content);
  return { paths, ...(await openCifarSubset({ paths, labelBytes, labelOffset, classCount: 10 })) };
}

describe('openCifarSubset', () => {
  it('joins the files in order and turns planes into channels last', async () => {
    const { subset } = await openFiles([
      Buffer.concat([record([3], 11, 21), record([4], 12, 22)]),
      record([5], 13, 23),
    ]);

    const images = await subset.read(Int32Array.of(2, 1));

    expect([...subset.labels]).toEqual([3, 4, 5]);
    expect(images).toHaveLength(2 * 3 * PLANE);
    expect([...images.subarray(0, 6)]).toEqual([0, 13, 23, 1, 13, 23]);
    expect([...images.subarray(3 * PLANE, 3 * PLANE + 6)]).toEqual([0, 12, 22, 1, 12, 22]);
    expect([...images.subarray(-3)]).toEqual([255, 12, 22]);
  });

  it.each([
    [0, [7]],
    [1, [2]],
  ])('reads the CIFAR-100 label at offset %i', async (labelOffset, expected) => {
    const { subset } = await openFiles([record([7, 2], 0, 1)], 2, labelOffset);

    expect([...subset.labels]).toEqual(expected);
    expect([...(await subset.read(Int32Array.of(0))).subarray(0, 3)]).toEqual([0, 0, 1]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', Buffer.alloc(0), /batch_0.bin: 0 bytes are not .* expected 3073 for 1/],
    ['a truncated record', record([1], 0, 0).subarray(0, 3000), /3000 bytes .* expected 3073 for 1/],
    ['a CIFAR-100 file', record([1, 1], 0, 0), /3074 bytes .* expected 6146 for 2/],
    ['a label without a class', record([10], 0, 0), /label 10 at position 0 is out of range 0..9/],
  ])('names file and reason for %s', async (_, content, message) => {
    await expect(openFiles([content])).rejects.toMatchObject({
      kind: 'user',
      code: 'corrupt_dataset',
      message: expect.stringMatching(message),
    });
  });

  it('notices that a file changed between opening and reading', async () => {
    const { subset, paths } = await openFiles([record([1], 0, 0)]);

    await writeFile(paths[0]!, 'gone');

    await expect(subset.read(Int32Array.of(0))).rejects.toMatchObject({ code: 'corrupt_dataset' });
  });
});
