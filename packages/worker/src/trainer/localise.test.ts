import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { drawMapSheet } from './artifacts/map-sheet.js';
import { fromPixels } from './image-source.js';
import { localise, readTrueDefects } from './localise.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const SHAPE = { height: 4, width: 4, channels: 1 };
const PIXELS = 16;
const COUNT = 5;
/** Test images 0 and 1 are good, 2 and 3 have a crack, 4 a hole. */
const DEFECTS = Uint16Array.of(0, 0, 1, 1, 2);

/** Masks of the upper left quarter; image i is dark but for its mask, which is bright. */
const maskOf = (index: number) =>
  Uint8Array.from({ length: PIXELS }, (_, at) => (DEFECTS[index] !== 0 && at % 4 < 2 && at < 8 ? 255 : 0));
const pixels = Uint8Array.from({ length: COUNT * PIXELS }, (_, at) => {
  const index = Math.floor(at / PIXELS);
  return maskOf(index)[at % PIXELS] === 255 ? 200 + index : 20 + (at % PIXELS);
});
const images = fromPixels(pixels, SHAPE);
const asked: number[][] = [];
const dataset = {
  shape: SHAPE,
  defects: ['good', 'crack', 'hole'],
  test: {
    count: COUNT,
    labels: new Uint16Array(COUNT),
    defects: DEFECTS,
    read: images.read,
    readMasks: async (indices: Int32Array) => {
      asked.push([...indices]);
      return Uint8Array.from([...indices].flatMap((index) => [...maskOf(index)]));
    },
  },
};
const all = { test: Int32Array.of(0, 1, 2, 3, 4) };
const brightness = (batch: tf.Tensor4D) => tf.tidy(() => tf.squeeze(batch, [3]) as tf.Tensor3D);

describe('readTrueDefects', () => {
  test('reads masks and kinds in the order of the split', async () => {
    const truth = await readTrueDefects(dataset, { test: Int32Array.of(4, 0, 2) });

    expect(truth).toMatchObject({ height: 4, width: 4, step: 1, kinds: ['good', 'crack', 'hole'] });
    expect([...truth!.kindOf]).toEqual([2, 0, 1]);
    expect([...truth!.masks]).toEqual([4, 0, 2].flatMap((index) => [...maskOf(index)]));
  });

  test('keeps every second row and column of a set that would fill the memory', async () => {
    const truth = await readTrueDefects(dataset, all, COUNT * 4);

    expect(truth).toMatchObject({ height: 2, width: 2, step: 2 });
    expect([...truth!.masks]).toEqual([...DEFECTS].flatMap((defect) => [defect === 0 ? 0 : 255, 0, 0, 0]));
  });

  test('finds nothing in a data set that tells no defects', async () => {
    const { defects: _, ...plain } = dataset;

    expect(await readTrueDefects(plain, all)).toBeUndefined();
  });
});

describe('localise', () => {
  test.each([1, 2, 5])('maps every image, %i at once, and measures them', async (batch) => {
    const truth = (await readTrueDefects(dataset, all))!;
    const before = tf.memory().numTensors;

    const { metrics, maps } = (await localise(brightness, images, truth, { batch }))!;

    expect(tf.memory().numTensors).toBe(before);
    expect([...maps].map((value) => Math.round(value * 255))).toEqual([...pixels]);
    expect(metrics).toEqual({
      auroc: 1,
      aurocDefective: 1,
      averagePrecision: 1,
      pro: 1,
      regions: 3,
      anomalousPixels: 12,
      normalPixels: COUNT * PIXELS - 12,
      height: 4,
      width: 4,
    });
  });

  test('measures at the working resolution', async () => {
    const truth = (await readTrueDefects(dataset, all, COUNT * 4))!;

    const { metrics } = (await localise(brightness, images, truth, { batch: 2 }))!;

    expect(metrics).toMatchObject({ auroc: 1, anomalousPixels: 3, normalPixels: COUNT * 4 - 3, height: 2, width: 2 });
  });

  test('stops when told', async () => {
    const truth = (await readTrueDefects(dataset, all))!;

    expect(await localise(brightness, images, truth, { batch: 2, stop: AbortSignal.abort() })).toBeNull();
  });

  test('names the image whose map is not finite', async () => {
    const truth = (await readTrueDefects(dataset, all))!;
    const broken = (batch: tf.Tensor4D) => tf.tidy(() => tf.log(tf.sub(brightness(batch), 202 / 255)) as tf.Tensor3D);

    await expect(localise(broken, images, truth, { batch: 5 })).rejects.toMatchObject({
      code: 'score_not_finite',
      message: expect.stringContaining('image 0'),
    });
  });
});

describe('drawMapSheet', () => {
  test('shows good images and every kind of defect, highest, middle and lowest score, the same bytes each time', async () => {
    const truth = (await readTrueDefects(dataset, all))!;
    const localisation = (await localise(brightness, images, truth, { batch: 5 }))!;
    const options = { images, truth, localisation, scores: Float32Array.of(1, 2, 3, 4, 5) };

    const { png, entries, range } = await drawMapSheet(options);

    expect(entries.map(({ kind, position }) => `${kind} ${position}`)).toEqual([
      'good 1',
      'good 0',
      'crack 3',
      'crack 2',
      'hole 4',
    ]);
    expect(range[0]).toBeLessThan(0.2);
    expect(range[1]).toBeGreaterThan(0.7);
    expect((await drawMapSheet(options)).png).toEqual(png);
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    const colours = new Set(
      Array.from({ length: info.width * info.height }, (_, at) => data.subarray(3 * at, 3 * at + 3).join()),
    );
    expect([...colours]).toContain('40,200,70'); // the outline of a true defect
  });
});
