import { describe, expect, it } from 'vitest';
import { type ImageBatch, loadImages, streamImages } from './images.js';
import { fakeDataset } from './testing/fake-dataset.fixtures.js';

const shape = { height: 1, width: 1, channels: 1 };
const dataset = fakeDataset({
  classes: ['a', 'b'],
  train: [0, 1, 0, 1, 0],
  test: [1, 0, 1],
  shape,
  fill: (i) => 10 * i,
});
const list = { train: Int32Array.of(0, 3, 4), test: Int32Array.of(1, 2) };

describe('streamImages', () => {
  it('reads train, then test, in batches that never mix them', async () => {
    const batches: ImageBatch[] = [];
    for await (const batch of streamImages(dataset, list, { batchSize: 2 })) batches.push(batch);

    expect(batches.map(({ images, labels, count }) => ({ images: [...images], labels: [...labels], count }))).toEqual([
      { images: [0, 30], labels: [0, 1], count: 2 },
      { images: [40], labels: [0], count: 1 },
      { images: [10, 20], labels: [0, 1], count: 2 },
    ]);
  });

  it('stops between batches when told to, with the reason given', async () => {
    const stop = new AbortController();
    const stream = streamImages(dataset, list, { batchSize: 1, signal: stop.signal });

    await stream.next();
    stop.abort(new Error('stopped by the scheduler'));

    await expect(stream.next()).rejects.toThrow('stopped by the scheduler');
  });

  it('refuses a batch size of nothing', async () => {
    await expect(streamImages(dataset, list, { batchSize: 0 }).next()).rejects.toThrow(RangeError);
  });
});

describe('loadImages', () => {
  it('gives all images in the order of streamImages', async () => {
    const loaded = await loadImages(dataset, list);

    expect([...loaded.images]).toEqual([0, 30, 40, 10, 20]);
    expect([...loaded.labels]).toEqual([0, 1, 0, 0, 1]);
    expect(loaded.count).toBe(5);
  });
});
