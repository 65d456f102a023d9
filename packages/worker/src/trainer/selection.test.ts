import { expect, test } from 'vitest';
import { fromPixels } from './image-source.js';
import { createSelectionSet } from './selection.js';

const SIDE = 2048;
const SHAPE = { height: SIDE, width: SIDE, channels: 3 };

test('keeps to the first images where they are so large that all would fill the memory', async () => {
  const asked: number[] = [];
  const stopped = new Error('enough');
  const large = {
    count: 1000,
    shape: SHAPE,
    read: async (positions: Int32Array) => {
      asked.push(...positions);
      throw stopped; // what it asks for is all that matters
    },
  };

  await expect(createSelectionSet(large, 1)).rejects.toBe(stopped);

  expect(asked).toEqual([...Array(10).keys()]);
});

test('makes one synthetic anomaly of every held-out image where they fit', async () => {
  const pixels = Uint8Array.from({ length: 3 * 64 }, (_, i) => i % 251);
  const { normal, synthetic } = await createSelectionSet(fromPixels(pixels, { height: 8, width: 8, channels: 1 }), 1);

  expect([normal.count, synthetic.count]).toEqual([3, 3]);
  expect(await normal.read(Int32Array.of(0, 1, 2))).toEqual(pixels);
});
