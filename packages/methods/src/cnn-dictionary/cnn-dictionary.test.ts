import { createGenerator } from '@adctl/random';
import { createToyTextures } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gatherImages, type ImageSet } from '../kit/batching.js';
import type { ImageReader, ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { copyCrop, drawCrops } from './crops.js';
import { normalizeL1 } from './describe-patches.js';
import { nearestDistances } from './distances.js';
import { Hyperparameters, presets, refuse, warn } from './hyperparameters.js';
import { cnnDictionary } from './method.js';
import { createCnnDictionary } from './model.js';
import { averageOverWindows, countWindows, cutWindows, planWindows } from './windows.js';

const INPUT: ImageShape = { height: 64, width: 64, channels: 1 };
const SMALL: Partial<Hyperparameters> = {
  feature: 'layer1',
  inputSize: 32,
  patchSize: 16,
  stride: 8,
  trainingPatches: 80,
  dictionarySize: 8,
  restarts: 2,
};

const reader = (images: ImageSet): ImageReader => ({
  count: images.count,
  shape: images.shape,
  read: async (positions) => gatherImages(images, positions),
});
const textures = (count: number, seed: number, defect: 'none' | 'spot' = 'none') =>
  createToyTextures({ texture: 'stripes', count, seed, defect });

async function fitted(changes: Partial<Hyperparameters> = {}, seed = 1) {
  const h = Hyperparameters.parse({ ...SMALL, ...changes });
  const model = await createCnnDictionary(h, { input: INPUT, seed, generator: createGenerator(seed, 'training') });
  const { signal } = new AbortController();
  await model.fit!({ train: reader(textures(6, 1)), calibration: reader(textures(3, 2)), signal });
  return model;
}

beforeAll(useNativeEngine);

describe('windows', () => {
  test.each([
    [28, 16, 4, [0, 4, 8, 12]],
    [30, 16, 4, [0, 4, 8, 12, 14]],
    [16, 16, 4, [0]],
  ])('of side %i, patch %i and stride %i begin at %j', (side, patch, stride, expected) => {
    const grid = planWindows({ height: side, width: side, channels: 1 }, patch, stride);

    expect(grid.rows).toEqual(expected);
    expect(countWindows(grid)).toBe(expected.length ** 2);
  });

  test('are cut out row by row', () => {
    const grid = planWindows({ height: 7, width: 9, channels: 2 }, 4, 3);
    const images = waves([2, 7, 9, 2]) as tf.Tensor4D;
    const windows = cutWindows(images, grid);

    expect(windows.shape).toEqual([2 * 2 * 3, 4, 4, 2]);
    for (const [image, row, column] of [
      [0, 0, 0],
      [1, 1, 2],
      [1, 0, 1],
    ] as const) {
      const place = image * 6 + row * 3 + column;
      const expected = tf.slice4d(images, [image, grid.rows[row]!, grid.columns[column]!, 0], [1, 4, 4, 2]);
      expect(maxDifference(tf.slice4d(windows, [place, 0, 0, 0], [1, 4, 4, 2]), expected)).toBe(0);
    }
  });

  test('make a map of means: a constant stays one, and a pixel has the mean of its windows', () => {
    const grid = planWindows({ height: 7, width: 9, channels: 1 }, 4, 3);
    const scores = waves([2, 6]) as tf.Tensor2D;
    const map = averageOverWindows(scores, grid).bufferSync();

    expect(maxDifference(averageOverWindows(tf.fill([1, 6], 3), grid), tf.fill([1, 7, 9], 3))).toBeLessThan(1e-6);
    for (const [n, y, x] of [
      [0, 0, 0],
      [0, 3, 4],
      [1, 6, 8],
      [1, 3, 3],
    ] as const) {
      const values: number[] = [];
      for (const [r, top] of grid.rows.entries()) {
        for (const [c, left] of grid.columns.entries()) {
          const isInside = y >= top && y < top + 4 && x >= left && x < left + 4;
          if (isInside) values.push(scores.bufferSync().get(n, 3 * r + c));
        }
      }
      expect(map.get(n, y, x)).toBeCloseTo(values.reduce((a, b) => a + b) / values.length, 5);
    }
  });
});

describe('crops', () => {
  const shape = { height: 20, width: 24, channels: 2 };
  const draw = (rotate: boolean, seed = 1) =>
    drawCrops({ imageCount: 5, shape, patchSize: 8, crops: 200, rotate, generator: createGenerator(seed, 'c') });

  test('are spread over images and places, in the order of their images, and repeat with the seed', () => {
    const crops = draw(false);

    expect(new Set(crops.map(({ image }) => image)).size).toBe(5);
    expect(crops.map(({ image }) => image)).toEqual(crops.map(({ image }) => image).sort());
    expect(Math.min(...crops.map(({ top }) => top))).toBe(0);
    expect(Math.max(...crops.map(({ top }) => top))).toBe(12);
    expect(Math.max(...crops.map(({ left }) => left))).toBe(16);
    expect(draw(false)).toEqual(crops);
    expect(draw(false, 2)).not.toEqual(crops);
  });

  test('copy the pixels, and turned by a right angle they are turned', () => {
    const pixels = Float32Array.from({ length: 20 * 24 * 2 }, (_, i) => i);
    const copy = (angle: number) => {
      const target = new Float32Array(9 * 2 + 3);
      copyCrop(pixels, shape, { image: 0, top: 4, left: 5, angle }, 3, { target, offset: 3 });
      return target.subarray(3);
    };
    const at = (row: number, column: number, channel = 0) => ((4 + row) * 24 + 5 + column) * 2 + channel;

    expect([...copy(0)].slice(0, 4)).toEqual([at(0, 0), at(0, 0, 1), at(0, 1), at(0, 1, 1)]);
    expect([...copy(0)].at(-1)).toBe(at(2, 2, 1));
    for (const [i, expected] of [at(2, 0), at(1, 0), at(0, 0)].entries()) {
      expect(copy(Math.PI / 2)[2 * i]).toBeCloseTo(expected, 2);
    }
  });

  test('that are rotated stay inside the image', () => {
    for (const { top, left } of draw(true)) {
      const margin = Math.ceil(((Math.SQRT2 - 1) / 2) * 8);
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(margin);
      expect(top + 8 + margin).toBeLessThanOrEqual(20);
    }
  });
});

describe('features and distances', () => {
  test('only the proportions of a feature vector count', () => {
    const features = tf.abs(waves([3, 5])) as tf.Tensor2D;
    const normalized = normalizeL1(features);

    expect(maxDifference(tf.div(tf.sum(normalized, 1), 512), tf.ones([3]))).toBeLessThan(1e-6);
    expect(maxDifference(normalizeL1(tf.mul(features, 10)), normalized)).toBeLessThan(1e-3);
    expect(tf.sum(normalizeL1(tf.zeros([1, 5]))).dataSync()[0]).toBe(0);
  });

  test('distances agree with the direct formula, are 0 for an entry itself, and grow with m up to the mean over all', () => {
    const [codes, dictionary] = [waves([6, 4]) as tf.Tensor2D, waves([5, 4], 2) as tf.Tensor2D];
    const direct = tf.sqrt(tf.sum(tf.square(tf.sub(tf.expandDims(codes, 1), tf.expandDims(dictionary, 0))), 2));
    const distance = (m: number) => nearestDistances(codes, dictionary, m);

    expect(maxDifference(distance(1), tf.min(direct, 1))).toBeLessThan(1e-4);
    expect(maxDifference(distance(5), tf.mean(direct, 1))).toBeLessThan(1e-4);
    expect(maxDifference(nearestDistances(dictionary, dictionary, 1), tf.zeros([5]))).toBeLessThan(2e-3);
    for (let m = 1; m < 5; m++) {
      expect(tf.min(tf.sub(distance(m + 1), distance(m))).dataSync()[0]).toBeGreaterThanOrEqual(-1e-6);
    }
  });
});

describe('the fitted model', () => {
  test('holds held-out scores of mean 0 and deviation 1, and its thresholds', async () => {
    const model = await fitted({ minimumDefectArea: 40 });
    const { distances, constants, thresholds, dictionary } = model.buffers!;
    const [mean, deviation] = constants!.read().data as unknown as [number, number];
    const scores = Array.from(distances!.read().data, (d) => (d - mean) / deviation);

    expect(scores.reduce((a, b) => a + b) / scores.length).toBeCloseTo(0, 4);
    expect(scores.reduce((a, b) => a + b * b, 0) / scores.length).toBeCloseTo(1, 3);
    expect(scores).toHaveLength(3 * 49);
    const [z, quantile, area] = thresholds!.read().data as unknown as [number, number, number];
    expect(z).toBeCloseTo(1.645, 6);
    expect(scores.filter((score) => score > quantile + 1e-4).length / scores.length).toBeLessThanOrEqual(0.05);
    expect(area).toBeGreaterThan(0);
    expect(dictionary!.read().shape[0]).toBe(8);
    model.dispose();
  });

  test('a shift by the stride shifts the windows’ scores by one', async () => {
    const model = await fitted();
    const image = gatherImages(textures(1, 5, 'spot'));
    const rolled = tf.concat(
      [tf.slice(image, [0, 0, 8, 0], [1, 64, 56, 1]), tf.slice(image, [0, 0, 0, 0], [1, 64, 8, 1])],
      2,
    ) as tf.Tensor4D;
    const [map, shifted] = [model.anomalyMap!(image), model.anomalyMap!(rolled)];

    // Away from the border a pixel is in the same windows of both.
    const [inner, moved] = [tf.slice(map, [0, 0, 24], [1, 64, 24]), tf.slice(shifted, [0, 0, 16], [1, 64, 24])];
    expect(maxDifference(inner, moved)).toBeLessThan(1e-3 * tf.max(tf.abs(map)).dataSync()[0]!);
    model.dispose();
  });

  test('scores its training texture lower than noise, and refuses to score before it was fitted', async () => {
    const model = await fitted();
    const mean = (images: tf.Tensor4D) => tf.mean(model.score(images)).dataSync()[0]!;
    const noise = tf.randomUniform<tf.Rank.R4>([4, 64, 64, 1], 0, 1, 'float32', 3);

    expect(mean(gatherImages(textures(6, 1)))).toBeLessThan(mean(noise));
    const fresh = await createCnnDictionary(Hyperparameters.parse(SMALL), {
      input: INPUT,
      seed: 1,
      generator: createGenerator(1, 'g'),
    });
    expect(() => fresh.score(noise)).toThrow(expect.objectContaining({ code: 'not_fitted' }));
    model.dispose();
    fresh.dispose();
  });

  test.each<[string, Partial<Hyperparameters>]>([
    ['raw pixels', { feature: 'pixels' }],
    ['the dense variant', { dense: true }],
    ['flat features of EfficientNet-Lite0', { backbone: 'efficientnet-lite0', feature: 'conv5_x', inputSize: 64 }],
    [
      'medoids, whitened, several neighbours, rotated crops',
      { entry: 'medoid', whiten: true, neighbours: 3, rotate: true },
    ],
  ])('works with %s', async (_what, changes) => {
    const model = await fitted(changes);
    const images = gatherImages(textures(2, 7, 'spot'));
    const map = model.anomalyMap!(images);

    expect(map.shape).toEqual([2, 64, 64]);
    expect(model.buffers!.dictionary!.read().shape[0]).toBe(8);
    for (const name of ['max', 'top1%']) {
      for (const value of model.score(images, name).dataSync()) expect(value).toSatisfy(Number.isFinite);
    }
    expect(Object.keys(model.networks)).toEqual(changes.feature === 'pixels' ? [] : ['backbone']);
    model.dispose();
  });

  test('stops between two reads when it is asked to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stop'));
    const model = await createCnnDictionary(Hyperparameters.parse(SMALL), {
      input: INPUT,
      seed: 1,
      generator: createGenerator(1, 'g'),
    });

    await expect(
      model.fit!({ train: reader(textures(2, 1)), calibration: reader(textures(1, 2)), signal: stop.signal }),
    ).rejects.toThrow('stop');
    model.dispose();
  });
});

describe('hyperparameters', () => {
  test.each<[string, Partial<Hyperparameters>, RegExp]>([
    ['patches that do not fit', { patchSize: 80 }, /do not fit into images of 64x64/],
    ['gaps between windows', { stride: 20 }, /stride 20 leaves pixels/],
    ['more neighbours than entries', { neighbours: 11 }, /neighbours 11 is more than dictionarySize 10/],
    ['a larger dictionary than patches', { trainingPatches: 5 }, /more than trainingPatches 5/],
    ['a feature of another backbone', { feature: 'blocks.1' }, /resnet18 has no feature 'blocks\.1'; it has layer1/],
    ['dense pixels', { dense: true, feature: 'pixels' }, /not pixels/],
    ['dense flat features', { dense: true, feature: 'conv5_x' }, /use feature: 'avgpool'/],
    ['dense rotated crops', { dense: true, rotate: true }, /cannot rotate/],
  ])('refuse %s', (_what, changes, message) => {
    expect(refuse(Hyperparameters.parse(changes), INPUT)).toMatch(message);
    expect(refuse(Hyperparameters.parse({}), INPUT)).toBeNull();
  });

  test('warn of what takes minutes an image, and name the backbone unless pixels describe themselves', () => {
    const large = { height: 256, width: 256, channels: 3 };

    expect(warn(Hyperparameters.parse(presets.paper(large)), large)[0]).toMatch(/4096 windows of 224x224/);
    expect(warn(Hyperparameters.parse({ dense: true }), large)).toEqual([]);
    expect(cnnDictionary.backbone!(Hyperparameters.parse({}))).toEqual({ architecture: 'resnet18', weights: 'random' });
    expect(cnnDictionary.backbone!(Hyperparameters.parse({ feature: 'pixels' }))).toBeNull();
    expect(
      resolveHyperparameters(cnnDictionary, { preset: 'default', input: INPUT, overrides: { weights: 'imagenet' } })
        .issues,
    ).toHaveLength(1);
  });
});
