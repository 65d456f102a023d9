import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gradientError, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { composite, dissimilarity, holeError, holeErrorPerImage } from './losses.js';
import { ssim, ssimMap } from './ssim.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

/** 32x32 of the spec: x(i, j) = ((7i + 3j + offset) mod 16) / 15. */
function pattern(offset: (i: number, j: number) => number): tf.Tensor4D {
  const values = Array.from({ length: 1024 }, (_, p) => {
    const [i, j] = [Math.floor(p / 32), p % 32];
    return ((7 * i + 3 * j + offset(i, j)) % 16) / 15;
  });
  return tf.tensor4d(values, [1, 32, 32, 1]);
}

const meanOf = (x: tf.Tensor) => tf.mean(x).dataSync()[0]!;
const images = (shape: [number, number, number, number], phase = 0) => tf.sigmoid(waves(shape, phase)) as tf.Tensor4D;

describe('SSIM', () => {
  test('of an image with itself is 1, it is symmetric and within [-1, 1]', () => {
    const [x, y] = [images([3, 20, 16, 3]), images([3, 20, 16, 3], 2)];
    const values = ssim(x, y);

    expect(values.shape).toEqual([3, 10, 6]);
    expect(maxDifference(ssim(x, x), tf.ones([3, 10, 6]))).toBeLessThan(1e-6);
    expect(maxDifference(values, ssim(y, x))).toBeLessThan(1e-6);
    expect(tf.max(tf.abs(values)).dataSync()[0]).toBeLessThanOrEqual(1);
  });

  test('of constant images 0.5 and 0.6 is 0.983609', () => {
    const values = ssim(tf.fill([1, 16, 16, 1], 0.5), tf.fill([1, 16, 16, 1], 0.6));

    expect(maxDifference(values, tf.fill(values.shape, 0.983609))).toBeLessThan(1e-5);
  });

  test('agrees with scikit-image on the pattern', () => {
    const x = pattern(() => 0);
    const y = pattern((i, j) => (i * j) % 5);

    expect(meanOf(ssim(x, y))).toBeCloseTo(0.543761, 5);
    expect(ssim(x, y).dataSync()[0]).toBeCloseTo(0.50087, 5);
    expect(meanOf(ssim(x, tf.mul(x, 0.9)))).toBeCloseTo(0.989011, 5);
    expect(meanOf(ssim(x, tf.sub(1, x)))).toBeCloseTo(-0.989711, 5);
  });

  test('averages over channels', () => {
    const [x, y] = [pattern(() => 0), pattern((i, j) => (i * j) % 5)];
    const both = ssim(tf.concat([x, x], 3), tf.concat([x, y], 3));

    expect(meanOf(both)).toBeCloseTo((1 + 0.543761) / 2, 5);
  });

  test('the map has the size of the image and the valid values inside', () => {
    const [x, y] = [images([2, 20, 16, 3]), images([2, 20, 16, 3], 2)];
    const map = ssimMap(x, y);

    expect(map.shape).toEqual([2, 20, 16]);
    expect(maxDifference(tf.slice3d(map, [0, 5, 5], [2, 10, 6]), ssim(x, y))).toBeLessThan(1e-6);
    expect(maxDifference(ssimMap(x, x), tf.ones([2, 20, 16]))).toBeLessThan(1e-6);
  });
});

describe('losses', () => {
  const x = () => images([2, 16, 14, 2]);
  /** Hides a corner of the first image and the middle of the second. */
  const hidden = () => {
    const mask = tf.buffer<tf.Rank.R4>([2, 16, 14, 1]);
    for (let i = 0; i < 5; i++) for (let j = 0; j < 6; j++) mask.set(1, 0, i, j, 0);
    for (let i = 6; i < 9; i++) mask.set(1, 1, i, 7, 0);
    return mask.toTensor();
  };

  test('the error inside holes is 0 for a perfect prediction and 0.2 when off by 0.2, whatever the mask', () => {
    const off = tf.add(x(), 0.2) as tf.Tensor4D;

    expect(holeError(x(), x(), hidden()).dataSync()[0]).toBe(0);
    for (const mask of [hidden(), tf.ones<tf.Rank.R4>([2, 16, 14, 1])]) {
      expect(holeError(x(), off, mask).dataSync()[0]).toBeCloseTo(0.2, 6);
      for (const value of holeErrorPerImage(x(), off, mask).dataSync()) expect(value).toBeCloseTo(0.2, 6);
    }
  });

  test('the batch error weighs every hidden pixel alike, the error per image every image', () => {
    const off = tf.add(x(), tf.tensor4d([0.1, 0.4], [2, 1, 1, 1])) as tf.Tensor4D;

    expect(holeError(x(), off, hidden()).dataSync()[0]).toBeCloseTo((30 * 0.1 + 3 * 0.4) / 33, 5);
    expect(Array.from(holeErrorPerImage(x(), off, hidden()).dataSync())).toEqual([
      expect.closeTo(0.1, 5),
      expect.closeTo(0.4, 5),
    ]);
  });

  test('the completed image is the original where it was visible and the prediction where it was hidden', () => {
    const completed = composite(x(), tf.zeros([2, 16, 14, 2]), hidden());

    expect(maxDifference(completed, tf.mul(x(), tf.sub(1, hidden())))).toBe(0);
    expect(dissimilarity(x(), x()).dataSync()[0]).toBeCloseTo(0, 6);
    expect(dissimilarity(x(), completed).dataSync()[0]).toBeGreaterThan(0.1);
  });

  test('the gradient of the loss agrees with finite differences, near the border too', () => {
    const loss = (o: tf.Tensor) => {
      const restored = o as tf.Tensor4D;
      return tf.add(
        holeError(x(), restored, hidden()),
        dissimilarity(x(), composite(x(), restored, hidden())),
      ) as tf.Scalar;
    };
    const start = images([2, 16, 14, 2], 3);
    const gradient = tf.grad(loss)(start) as tf.Tensor4D;

    expect(gradientError(loss, start, 1e-3)).toBeLessThan(0.02);
    // The corner pixel is hidden: both terms move it.
    const direction = tf.buffer<tf.Rank.R4>([2, 16, 14, 2]);
    direction.set(1, 0, 0, 0, 0);
    const at = (step: number) => loss(tf.add(start, tf.mul(direction.toTensor(), step))).dataSync()[0]!;
    expect(gradient.arraySync()[0]![0]![0]![0]!).toBeCloseTo((at(1e-2) - at(-1e-2)) / 2e-2, 3);
    // Visible pixels receive nothing.
    expect(tf.max(tf.abs(tf.mul(gradient, tf.sub(1, hidden())))).dataSync()[0]).toBe(0);
  });
});
