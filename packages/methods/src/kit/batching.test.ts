import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { useNativeEngine } from '../testing/engine.fixtures.js';
import { chunkRanges, gatherImages, planEpoch } from './batching.js';

const OPTIONS = { count: 10, batchSize: 4, seed: 1, epoch: 1, dropLastBatch: false };

describe('epoch plan', () => {
  test('uses every image exactly once, in batches of the asked size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        (count, batchSize, seed) => {
          const batches = planEpoch({ ...OPTIONS, count, batchSize, seed });
          const all = batches.flatMap((batch) => [...batch]).sort((a, b) => a - b);

          expect(all).toEqual(Array.from({ length: count }, (_, i) => i));
          expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
        },
      ),
    );
  });

  test('depends on seed and epoch alone', () => {
    expect(planEpoch(OPTIONS)).toEqual(planEpoch(OPTIONS));
    expect(planEpoch(OPTIONS)).not.toEqual(planEpoch({ ...OPTIONS, epoch: 2 }));
    expect(planEpoch(OPTIONS)).not.toEqual(planEpoch({ ...OPTIONS, seed: 2 }));
  });

  test('drops a partial last batch when asked, unless it is the only one', () => {
    expect(planEpoch({ ...OPTIONS, dropLastBatch: true }).map((batch) => batch.length)).toEqual([4, 4]);
    expect(planEpoch({ ...OPTIONS, count: 3, dropLastBatch: true }).map((batch) => batch.length)).toEqual([3]);
    expect(planEpoch({ ...OPTIONS, count: 8, dropLastBatch: true }).map((batch) => batch.length)).toEqual([4, 4]);
  });
});

describe('gathering', () => {
  beforeAll(useNativeEngine);

  const images = {
    count: 3,
    shape: { height: 1, width: 2, channels: 1 },
    pixels: Uint8Array.of(0, 255, 51, 102, 153, 204),
  };

  test('scales bytes to [0, 1] in the asked order', () => {
    const batch = gatherImages(images, [2, 0]);

    expect(batch.shape).toEqual([2, 1, 2, 1]);
    expect(Array.from(batch.dataSync())).toEqual([Math.fround(0.6), Math.fround(0.8), 0, 1]);
    expect(gatherImages(images).shape[0]).toBe(3);
  });

  test('later gathering leaves earlier batches alone, even before their upload', () => {
    const first = gatherImages(images, [0]);
    const second = gatherImages(images, [1]);

    expect(Array.from(second.dataSync())).toEqual([Math.fround(0.2), Math.fround(0.4)]);
    expect(Array.from(first.dataSync())).toEqual([0, 1]);
  });

  test('refuses an index outside the set', () => {
    expect(() => gatherImages(images, [3])).toThrow(/image index 3 is outside 0..2/);
  });
});

test('chunks cover the range without overlap', () => {
  expect(chunkRanges(10, 4)).toEqual([
    [0, 4],
    [4, 8],
    [8, 10],
  ]);
  expect(chunkRanges(0, 4)).toEqual([]);
});
