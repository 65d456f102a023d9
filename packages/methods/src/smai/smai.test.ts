import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gatherImages } from '../kit/batching.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { hideSuperpixels } from './hiding.js';
import { Hyperparameters } from './hyperparameters.js';
import type { Inpaint } from './inpaint.js';
import { groupPasses, type PassPlan, planSinglePasses } from './passes.js';
import { passLimit, restoreAll } from './restoration.js';
import { flattenSuperpixels, reduceErrors, superpixelMeans } from './scores.js';
import type { Superpixels } from './slic.js';
import { createModel, GREY_32 } from './smai.fixtures.js';
import { createSegmenter, cutGrid } from './superpixels.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const toys = (count: number) => gatherImages(createToyImages({ shape: GREY_32, count, seed: 5, kind: 'normal' }));
const segmenter = () => createSegmenter(Hyperparameters.parse({}), GREY_32);
const segment = (images: tf.Tensor4D) => segmenter().segment(images.dataSync<'float32'>());

describe('training masks', () => {
  const h = { hiddenMin: 0.05, hiddenMax: 0.3 };

  test('hide whole superpixels, between the two fractions of them, at least one', () => {
    const x = toys(40);
    const superpixels = segment(x);
    const hidden = hideSuperpixels(superpixels, [32, 32], h, createGenerator(1)).dataSync();
    const fractions = superpixels.map(({ labels, count }, image) => {
      const values = new Map<number, Set<number>>();
      for (const [i, label] of labels.entries()) {
        values.set(label, (values.get(label) ?? new Set()).add(hidden[1024 * image + i]!));
      }
      for (const seen of values.values()) expect(seen.size).toBe(1);
      const chosen = [...values.values()].filter((seen) => seen.has(1)).length;
      expect(chosen).toBeGreaterThanOrEqual(1);
      expect(chosen).toBeLessThanOrEqual(Math.round(0.3 * count));
      return chosen / count;
    });

    expect(fractions.reduce((sum, f) => sum + f, 0) / 40).toBeCloseTo(0.175, 1);
    expect(new Set(fractions).size).toBeGreaterThan(3);
  });

  test('are drawn anew at every call', () => {
    const superpixels = segment(toys(4));
    const generator = createGenerator(1);
    const draw = () => hideSuperpixels(superpixels, [32, 32], h, generator);

    expect(maxDifference(draw(), draw())).toBe(1);
  });
});

describe('passes', () => {
  test('a group holds every pass of its images exactly once, within the limit', () => {
    const counts = [3, 4, 20, 1, 7, 2];
    const groups = groupPasses(counts, 8);
    const seen = groups.flatMap(({ firstImage, chunks }) =>
      chunks.flatMap(({ images, passes }) => Array.from(images, (image, i) => `${firstImage + image}/${passes[i]}`)),
    );

    expect(seen.sort()).toEqual(counts.flatMap((n, i) => Array.from({ length: n }, (_, k) => `${i}/${k}`)).sort());
    for (const { chunks } of groups) for (const { passes } of chunks) expect(passes.length).toBeLessThanOrEqual(8);
    expect(groups.map((group) => [group.imageCount, group.chunks.length])).toEqual([
      [2, 1],
      [1, 3],
      [2, 1],
      [1, 1],
    ]);
  });

  test('large images go through in smaller chunks', () => {
    const limit = (side: number) => passLimit({ height: side, width: side, channels: 3 });

    expect([28, 64, 256, 1024].map(limit)).toEqual([256, 64, 16, 16]);
  });
});

describe('assembly', () => {
  const x = () => tf.sigmoid(waves([3, 32, 32, 1])) as tf.Tensor4D;
  const plansOf = (images: tf.Tensor4D) => segment(images).map(planSinglePasses);
  /** Adds 0.1 times the number of hidden pixels, so that every pass leaves its own trace. */
  const marking: Inpaint = (images, hidden) => tf.add(images, tf.mul(tf.sum(hidden, [1, 2], true), 0.1)) as tf.Tensor4D;

  test('a network that returns the truth leaves all errors zero', () => {
    const images = x();
    const perfect: Inpaint = (pixels) => pixels.clone();
    const { l2, ssim } = restoreAll(perfect, images, plansOf(images), ['l2', 'ssim']);

    expect(l2.shape).toEqual([3, 1024]);
    expect(tf.max(l2).dataSync()[0]).toBe(0);
    expect(tf.max(tf.abs(ssim)).dataSync()[0]).toBeLessThan(1e-6);
  });

  test('writes each pixel exactly once, in the pass that hid it', () => {
    const images = x();
    const plans = plansOf(images);
    const { l2, picture } = restoreAll(marking, images, plans, ['l2', 'picture']);
    const expected = plans.flatMap(({ passOfPixel }) => {
      const sizes = new Map<number, number>();
      for (const pass of passOfPixel) sizes.set(pass, (sizes.get(pass) ?? 0) + 1);
      return Array.from(passOfPixel, (pass) => (0.1 * sizes.get(pass)!) ** 2);
    });

    for (const [i, value] of l2.dataSync().entries()) expect(value).toBeCloseTo(expected[i]!, 2);
    const traces = tf.sqrt(l2);
    expect(maxDifference(picture, tf.add(tf.reshape(images, [3, 1024]), traces))).toBeLessThan(1e-4);
  });

  test('an image with more passes than fit is done in several chunks', () => {
    const images = tf.sigmoid(waves([2, 256, 256, 1])) as tf.Tensor4D;
    const h = Hyperparameters.parse({ superpixelSide: 48, segmentation: 'grid' });
    const plan: PassPlan = planSinglePasses(cutGrid(h, { height: 256, width: 256, channels: 1 }));
    const { l2 } = restoreAll(marking, images, [plan, plan], ['l2']);

    expect(plan.count).toBeGreaterThan(16);
    expect(tf.min(l2).dataSync()[0]).toBeGreaterThan(0);
    expect(maxDifference(tf.slice(l2, [0, 0], [1, -1]), tf.slice(l2, [1, 0], [1, -1]))).toBeLessThan(1);
  });

  test('a batch of masked copies equals one by one', () => {
    const model = createModel();
    const images = toys(4);
    const map = model.anomalyMap!(images);
    const inpainted = model.reconstruct!(images);
    for (let i = 0; i < 4; i++) {
      const alone = tf.slice4d(images, [i, 0, 0, 0], [1, -1, -1, -1]);
      expect(maxDifference(model.anomalyMap!(alone), tf.slice3d(map, [i, 0, 0], [1, -1, -1]))).toBeLessThan(1e-6);
      expect(
        maxDifference(model.reconstruct!(alone), tf.slice4d(inpainted, [i, 0, 0, 0], [1, -1, -1, -1])),
      ).toBeLessThan(1e-5);
    }
    model.dispose();
  });
});

describe('scores', () => {
  const superpixels: Superpixels = { labels: Uint16Array.of(0, 0, 1, 2, 2, 3, 3, 3), count: 4 };
  const map = Float32Array.of(1, 3, 8, 4, 6, 0, 0, 3);

  test('are the error per pixel, the largest mean, and the mean of the largest three', () => {
    expect(Array.from(superpixelMeans(map, superpixels))).toEqual([2, 8, 5, 1]);
    expect(reduceErrors(map, superpixels, 'sum')).toBe(25 / 8);
    expect(reduceErrors(map, superpixels, 'max')).toBe(8);
    expect(reduceErrors(map, superpixels, 'top3')).toBe(5);
  });

  test('the sum is that of |k| e_k and does not depend on how many superpixels there are', () => {
    const one: Superpixels = { labels: new Uint16Array(8), count: 1 };

    expect(reduceErrors(map, one, 'sum')).toBe(reduceErrors(map, superpixels, 'sum'));
    expect(reduceErrors(map, one, 'top3')).toBe(25 / 8);
  });

  test('the map shows the error of pixels or the mean of their superpixel, blurred if asked', () => {
    const x = toys(2);
    const maps = (changes: Partial<Hyperparameters>) => {
      const model = createModel(changes);
      const drawn = model.anomalyMap!(x);
      model.dispose();
      return drawn;
    };
    const [pixel, flat, blurred] = [maps({}), maps({ mapUnit: 'superpixel' }), maps({ mapBlur: true })];
    const expected = segment(x).flatMap((each, i) =>
      Array.from(flattenSuperpixels(pixel.dataSync<'float32'>().subarray(1024 * i, 1024 * (i + 1)), each)),
    );

    expect(maxDifference(flat, tf.tensor(expected, [2, 32, 32]))).toBeLessThan(1e-7);
    expect(tf.max(blurred).dataSync()[0]).toBeLessThan(tf.max(pixel).dataSync()[0]!);
    expect(tf.sum(flat).dataSync()[0]).toBeCloseTo(tf.sum(pixel).dataSync()[0]!, 2);
  });

  test('error and reduction choose the own score; a blurred map changes none', () => {
    const x = toys(3);
    const own = (changes: Partial<Hyperparameters>, name?: string) => {
      const model = createModel(changes);
      const scores = Array.from(model.score(x, name).dataSync());
      model.dispose();
      return scores;
    };

    expect(own({ error: 'ssim', reduction: 'top3' })).toEqual(own({}, 'ssim_top3'));
    expect(own({ mapBlur: true, mapUnit: 'superpixel' })).toEqual(own({}, 'l2_sum'));
    expect(own({}, 'l2_max')).not.toEqual(own({}, 'ssim_max'));
    expect(() => own({}, 'l3_sum')).toThrow(expect.objectContaining({ code: 'unknown_score' }));
  });

  test('grouped passes hide the same superpixels in fewer passes', () => {
    const x = toys(3);
    const single = createModel({ superpixelSide: 4 });
    const grouped = createModel({ superpixelSide: 4, grouped: true });
    const [a, b] = [single.score(x).dataSync(), grouped.score(x).dataSync()];

    for (const [i, score] of a.entries()) expect(Math.abs(b[i]! / score - 1)).toBeLessThan(0.5);
    expect(Array.from(b)).not.toEqual(Array.from(a));
    single.dispose();
    grouped.dispose();
  });
});

describe('training', () => {
  test('halves the learning rate after half and after three quarters of the epochs', () => {
    const model = createModel({ epochs: 40, learningRate: 1e-3 });
    const rates = [1, 20, 21, 30, 31, 40].map((epoch) => {
      tf.dispose(model.trainStep(toys(2), { epoch, step: 0, positions: Int32Array.of(0, 1) }));
      return model.optimizers.inpainter!.learningRate;
    });

    expect(rates).toEqual([1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 2.5e-4]);
    model.dispose();
  });

  test('the total is the weighted sum, and a term of weight 0 is left out', () => {
    const losses = (changes: Partial<Hyperparameters>) => {
      const model = createModel(changes);
      const terms = model.trainStep(toys(4), { epoch: 1, step: 0, positions: Int32Array.of(0, 1, 2, 3) });
      model.dispose();
      return Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
    };
    const both = losses({ l1Weight: 2, ssimWeight: 3 });

    expect(both.total).toBeCloseTo(2 * both.hole! + 3 * both.dissimilarity!, 5);
    expect(losses({ ssimWeight: 0 })).toEqual({ hole: both.hole, total: both.hole });
    expect(losses({ l1Weight: 0 })).toEqual({ dissimilarity: both.dissimilarity, total: both.dissimilarity });
  });
});
