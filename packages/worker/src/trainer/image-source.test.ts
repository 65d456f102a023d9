import type { Dataset } from '@adctl/datasets';
import type * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { fromPixels, openImages, readBatches } from './image-source.js';

const SHAPE = { height: 1, width: 2, channels: 1 };

/** Image i of a part holds the two bytes `first + 2 i` and `first + 2 i + 1`. */
function part(first: number, count: number) {
  return {
    count,
    labels: new Uint16Array(count),
    read: async (indices: Int32Array) =>
      Uint8Array.from([...indices].flatMap((index) => [first + 2 * index, first + 2 * index + 1])),
  };
}

const dataset = { shape: SHAPE, train: part(0, 50), test: part(100, 50) } as unknown as Dataset;
const list = { train: Int32Array.of(3, 1), test: Int32Array.of(0, 2) };

describe('openImages', () => {
  test.each([
    ['held in memory', 1_000],
    ['read from the data set', 0],
    ['held in part', 5],
  ])('numbers the train part first, then the test part, when %s', async (_, residentBytes) => {
    const source = await openImages(dataset, list, residentBytes);

    expect(source.count).toBe(4);
    expect([...(await source.read(Int32Array.of(3, 0, 2)))]).toEqual([104, 105, 6, 7, 100, 101]);
  });
});

describe('openImages with a bound', () => {
  test('holds what fits, and asks the data set for the rest alone', async () => {
    const asked: number[][] = [];
    const counting = {
      ...dataset,
      test: {
        ...dataset.test,
        read: async (indices: Int32Array) => {
          asked.push([...indices]);
          return await dataset.test.read(indices);
        },
      },
    };
    const source = await openImages(counting, list, 6);
    asked.length = 0;

    await source.read(Int32Array.of(3, 2, 0));
    await source.read(Int32Array.of(2, 1));

    expect(asked.flat()).toEqual([2]);
  });
});

describe('readBatches', () => {
  const source = fromPixels(Uint8Array.of(0, 51, 102, 153, 204, 255), SHAPE);
  const batches = [Int32Array.of(2), Int32Array.of(0, 1)];

  test('yields each batch as float32 in [0, 1], from the batch asked for', async () => {
    const values: number[][] = [];
    for await (const { images } of readBatches(source, batches, 1)) {
      values.push([...images.shape, ...images.dataSync()]);
      images.dispose();
    }

    expect(values.map((row) => row.map((value) => Math.round(value * 1000) / 1000))).toEqual([
      [2, 1, 2, 1, 0, 0.2, 0.4, 0.6],
    ]);
  });

  test('yields nothing after the last batch', async () => {
    const seen: tf.Tensor[] = [];
    for await (const { images } of readBatches(source, batches, 2)) seen.push(images);

    expect(seen).toEqual([]);
  });

  test('throws what reading throws, at the batch it belongs to', async () => {
    const broken = {
      ...source,
      read: async (positions: Int32Array) => {
        if (positions[0] === 0) throw new Error('img/0.png is cut short');
        return await source.read(positions);
      },
    };
    let seen = 0;
    const reading = async () => {
      for await (const { images } of readBatches(broken, batches, 0)) {
        seen += 1;
        images.dispose();
      }
    };

    await expect(reading()).rejects.toThrow('img/0.png');
    expect(seen).toBe(1);
  });
});
