import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientError, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { directionPerSample, disagreement, valuePerSample, weigh } from './losses.js';
import { blurMaps, gaussian, guidedRelu, openMaps, reflect, rescale } from './maps.js';
import { createTapCache } from './tap-cache.js';

beforeAll(useNativeEngine);

describe('the terms', () => {
  const s = tf.tensor4d([1, 2, 3, 4, 0, 0, 0, 0], [2, 1, 2, 2]);

  test('of direction: 0 for equal, 1 for orthogonal and zero, 2 for opposite maps, whatever their length', () => {
    const of = (c: tf.Tensor) => Array.from(directionPerSample(s, c).dataSync());

    expect(of(s)[0]).toBeCloseTo(0, 6);
    expect(of(tf.mul(s, -1))[0]).toBeCloseTo(2, 6);
    expect(of(tf.tensor4d([2, -1, 4, -3, 1, 1, 1, 1], [2, 1, 2, 2]))).toEqual([expect.closeTo(1, 6), 1]);
    expect(of(tf.mul(s, 3))).toEqual([expect.closeTo(0, 6), 1]);
    const gradient = tf.grad((c) => tf.sum(directionPerSample(s, c)))(tf.zerosLike(s));
    for (const value of gradient.dataSync()) expect(value).toSatisfy(Number.isFinite);
  });

  test('of value are means over a sample, independent of its shape', () => {
    const four = (shape: number[]) => valuePerSample(tf.zeros(shape), tf.fill(shape, 2)).dataSync()[0];

    expect(four([1, 2, 2, 3])).toBe(4);
    expect(four([3, 7])).toBe(4);
    expect(valuePerSample(s, tf.mul(s, 3)).dataSync()[0]).toBe((4 * 30) / 4);
  });

  test('add up over the taps and are weighed by lambda', () => {
    const terms = disagreement([s, s], [tf.mul(s, -1), tf.mul(s, 3)]);

    expect(terms.direction.dataSync()[0]).toBeCloseTo(2, 5);
    expect(terms.value.dataSync()[0]).toBeCloseTo(60, 4);
    expect(weigh(terms, 0.5).dataSync()[0]).toBeCloseTo(32, 4);
    expect(weigh(terms, 0)).toBe(terms.direction);
  });

  test('have the gradient of finite differences', () => {
    const source = tf.abs(waves([2, 2, 2, 3]));
    const total = (c: tf.Tensor) => tf.sum(weigh(disagreement([source], [c]), 0.3)) as tf.Scalar;

    expect(gradientError(total, waves([2, 2, 2, 3], 1))).toBeLessThan(1e-2);
  });
});

describe('maps', () => {
  const peak = (values: Readonly<Record<string, number>>, side = 9) => {
    const map = tf.buffer<tf.Rank.R3>([1, side, side]);
    for (const [place, value] of Object.entries(values)) {
      const [y, x] = place.split(',').map(Number) as [number, number];
      map.set(value, 0, y, x);
    }
    return map.toTensor();
  };
  const plus = { '4,4': 1, '3,4': 1, '5,4': 1, '4,3': 1, '4,5': 1 };

  test('are rescaled by a percentile of their own, image by image', () => {
    const ramp = tf.tensor3d([...Array.from({ length: 101 }, (_, i) => i), ...new Array(101).fill(7)], [2, 1, 101]);
    const scaled = rescale(ramp, 0.99).dataSync();

    expect(scaled[99]).toBeCloseTo(1, 6);
    expect(scaled[100]).toBe(1);
    expect(scaled[50]).toBeCloseTo(50 / 99, 6);
    expect([...scaled.subarray(101)]).toEqual(new Array(101).fill(0));
    expect(rescale(ramp, 1).dataSync()[50]).toBeCloseTo(0.5, 6);
    expect(rescale(tf.tensor3d([0, 1, 2, 3], [1, 2, 2]), 0.5).dataSync()[1]).toBeCloseTo(1 / 1.5, 6);
  });

  test('are blurred with a kernel of sum 1, constants stay, and the border repeats its last pixel', () => {
    expect(gaussian(4)).toHaveLength(33);
    expect(gaussian(4).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect([-3, -2, -1, 0, 3, 4, 5, 9].map((i) => reflect(i, 4))).toEqual([2, 1, 0, 0, 3, 3, 2, 1]);
    expect(maxDifference(blurMaps(tf.fill([1, 9, 9], 0.7), 4), tf.fill([1, 9, 9], 0.7))).toBeLessThan(1e-6);
    const blurred = blurMaps(peak({ '0,4': 1 }), 1).bufferSync();
    const weights = gaussian(1);
    // Row 0 is seen twice from above: at distances 0 and 1.
    expect(blurred.get(0, 0, 4)).toBeCloseTo((weights[4]! + weights[3]!) * weights[4]!, 6);
    expect(blurred.get(0, 2, 4)).toBeCloseTo((weights[2]! + weights[1]!) * weights[4]!, 6);
  });

  test('are opened: a pixel disappears, a plus stays, twice is once, and nothing rises', () => {
    expect(tf.max(openMaps(peak({ '4,4': 1 }))).dataSync()[0]).toBe(0);
    expect(maxDifference(openMaps(peak(plus)), peak(plus))).toBe(0);
    const map = waves([2, 12, 12]) as tf.Tensor3D;
    const opened = openMaps(map);
    expect(maxDifference(openMaps(opened), opened)).toBe(0);
    expect(tf.min(tf.sub(map, opened)).dataSync()[0]).toBeGreaterThanOrEqual(0);
  });

  test('opening commutes with every threshold', () => {
    const map = waves([1, 12, 12]) as tf.Tensor3D;
    for (const threshold of [-0.5, 0, 0.4]) {
      const at = (x: tf.Tensor) => tf.cast(tf.greaterEqual(x, threshold), 'float32') as tf.Tensor3D;
      expect(maxDifference(at(openMaps(map)), openMaps(at(map)))).toBe(0);
    }
  });

  test('a guided ReLU lets through positive gradients of positive values only', () => {
    const x = tf.tensor1d([-1, 2, 3, 4]);
    const gradient = tf.grad((y) => tf.sum(tf.mul(guidedRelu(y), tf.tensor1d([1, 1, -1, 2]))))(x);

    expect(Array.from(gradient.dataSync())).toEqual([0, 1, 0, 2]);
  });
});

describe('the cache of taps', () => {
  const shapes = [
    [1, 1, 2],
    [1, 1, 1],
  ];
  const computeFrom = (positions: Int32Array, asked: number[]) => (places: Int32Array) => {
    asked.push(...Array.from(places, (place) => positions[place]!));
    const of = Array.from(places, (place) => positions[place]!);
    return [
      tf.tensor4d(
        of.flatMap((p) => [p, 10 * p]),
        [of.length, 1, 1, 2],
      ),
      tf.tensor4d(
        of.map((p) => -p),
        [of.length, 1, 1, 1],
      ),
    ];
  };
  const read = (taps: tf.Tensor[]) => taps.map((tap) => Array.from(tap.dataSync()));

  test.each([
    [1000, [5, 2, 7, 9]],
    [24, [5, 2, 7, 9, 7]],
    [0, [5, 2, 7, 2, 9, 7]],
  ])('of %i bytes asks for what it does not hold, and gives the batch its own order', (bytes, expected) => {
    const cache = createTapCache(shapes, bytes);
    const asked: number[] = [];
    const get = (...positions: number[]) => {
      const list = Int32Array.from(positions);
      return read(cache.get(list, computeFrom(list, asked)));
    };

    expect(get(5, 2, 7)).toEqual([
      [5, 50, 2, 20, 7, 70],
      [-5, -2, -7],
    ]);
    expect(get(2, 9, 7)).toEqual([
      [2, 20, 9, 90, 7, 70],
      [-2, -9, -7],
    ]);
    expect(asked).toEqual(expected);
  });
});
