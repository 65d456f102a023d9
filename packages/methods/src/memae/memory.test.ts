import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gradientError, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { type Addressing, largestPossibleWeight } from './addressing.js';
import { addressingEntropy, entropyTerm } from './losses.js';
import { addressWeights, readMemory, shrinkWeights } from './memory.js';

const ADDRESSING: Addressing = { similarity: 'cosine', temperature: 1, threshold: 0, deadPolicy: 'keep-max' };

const matrix = (rows: number, columns: number, phase = 0) => waves([rows, columns], phase) as tf.Tensor2D;
const valuesOf = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('addressing', () => {
  test.each(['cosine', 'dot', 'scaled-dot'] as const)('%s weights are a softmax over the slots', (similarity) => {
    const [queries, slots] = [matrix(5, 7), matrix(4, 7, 1)];
    const q = queries.arraySync();
    const m = slots.arraySync();
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const scale = (a: number[], b: number[]) =>
      ({ cosine: Math.sqrt(dot(a, a) * dot(b, b)), dot: 1, 'scaled-dot': Math.sqrt(7) })[similarity];
    const expected = q.map((query) => {
      const exponentials = m.map((slot) => Math.exp(dot(query, slot) / scale(query, slot) / 0.5));
      const total = exponentials.reduce((a, b) => a + b);
      return exponentials.map((value) => value / total);
    });

    const weights = addressWeights(queries, slots, { ...ADDRESSING, similarity, temperature: 0.5 });

    expect(maxDifference(weights, tf.tensor2d(expected))).toBeLessThan(1e-5);
  });

  test('cosine is invariant to the length of a query and of a slot, the inner product is not', () => {
    const [queries, slots] = [matrix(5, 7), matrix(4, 7, 1)];
    const longer = [tf.mul(queries, 3), tf.mul(slots, tf.tensor2d([[1], [5], [1], [0.2]]))] as [
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const change = (similarity: Addressing['similarity']) =>
      maxDifference(
        addressWeights(queries, slots, { ...ADDRESSING, similarity }),
        addressWeights(...longer, { ...ADDRESSING, similarity }),
      );

    expect(change('cosine')).toBeLessThan(1e-6);
    expect(change('dot')).toBeGreaterThan(0.1);
  });

  test('a zero query, which ReLU latents have, weighs all slots alike and has a finite gradient', () => {
    const slots = matrix(4, 3);
    const f = (q: tf.Tensor) => tf.sum(tf.mul(addressWeights(q as tf.Tensor2D, slots, ADDRESSING), matrix(2, 4, 2)));

    expect(valuesOf(addressWeights(tf.zeros([1, 3]), slots, ADDRESSING))).toEqual([0.25, 0.25, 0.25, 0.25]);
    for (const value of valuesOf(tf.grad(f)(tf.zeros([2, 3])))) expect(value).toSatisfy(Number.isFinite);
  });

  test('no query can give more than the largest possible weight, and one gives just that', () => {
    expect(largestPossibleWeight('cosine', 1, 100)).toBeCloseTo(Math.E / (Math.E + 99 / Math.E), 10);
    expect(largestPossibleWeight('cosine', 1, 100)).toBeCloseTo(0.0695, 4);
    expect(largestPossibleWeight('dot', 1, 100)).toBe(1);
    const slots = tf.tensor2d([
      [2, 0],
      [-1, 0],
      [-3, 0],
    ]);

    const [met] = valuesOf(addressWeights(tf.tensor2d([[5, 0]]), slots, { ...ADDRESSING, temperature: 0.7 }));

    expect(met).toBeCloseTo(largestPossibleWeight('cosine', 0.7, 3), 6);
  });
});

describe('shrinkage', () => {
  const shrink = (weights: tf.Tensor2D, threshold: number, deadPolicy: Addressing['deadPolicy'] = 'keep-max') =>
    shrinkWeights(weights, { threshold, deadPolicy });

  test('the spec example: (0.5, 0.3, 0.15, 0.05) with lambda 0.1', () => {
    const { weights, dead } = shrink(tf.tensor2d([[0.5, 0.3, 0.15, 0.05]]), 0.1);

    const expected = [0.5263, 0.3158, 0.1579, 0];
    for (const [j, value] of valuesOf(weights).entries()) expect(value).toBeCloseTo(expected[j]!, 4);
    expect(valuesOf(weights)[3]).toBe(0);
    expect(valuesOf(dead)).toEqual([0]);
  });

  test('rows sum to 1, survivors had more than lambda and keep their ratios', () => {
    const before = tf.softmax(matrix(50, 20)) as tf.Tensor2D;
    const threshold = 0.05;
    const [w, shrunk] = [before.arraySync(), shrink(before, threshold).weights.arraySync()];

    for (const [i, row] of shrunk.entries()) {
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      const kept = w[i]!.filter((value) => value > threshold).reduce((a, b) => a + b);
      for (const [j, value] of row.entries()) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value > 0).toBe(w[i]![j]! > threshold);
        if (value > 0) expect(value).toBeCloseTo(w[i]![j]! / kept, 5);
      }
    }
    expect(shrunk.flat().filter((value) => value === 0).length).toBeGreaterThan(100);
  });

  test('it is the formula of the paper, in value and gradient', () => {
    const threshold = 0.05;
    const paper = (w: tf.Tensor) => {
      const excess = tf.sub(w, threshold);
      const h = tf.div(tf.mul(tf.relu(excess), w), tf.add(tf.abs(excess), 1e-12));
      return tf.div(h, tf.maximum(tf.sum(h, 1, true), 1e-12)) as tf.Tensor2D;
    };
    const ours = (w: tf.Tensor) => shrink(w as tf.Tensor2D, threshold).weights;
    const w = tf.softmax(matrix(50, 20)) as tf.Tensor2D;
    const mix = matrix(50, 20, 3);
    const gradientOf = (f: (w: tf.Tensor) => tf.Tensor) => tf.grad((x) => tf.sum(tf.mul(f(x), mix)))(w);
    const distances = valuesOf(tf.abs(tf.sub(w, threshold)));
    const [expected, actual] = [valuesOf(gradientOf(paper)), valuesOf(gradientOf(ours))];

    expect(maxDifference(ours(w), paper(w))).toBeLessThan(1e-6);
    for (const [i, distance] of distances.entries()) {
      if (distance > 1e-3) expect(Math.abs(actual[i]! - expected[i]!), `weight ${i}`).toBeLessThan(1e-3);
    }
  });

  test('lambda 0 changes nothing', () => {
    const weights = tf.softmax(matrix(5, 6)) as tf.Tensor2D;

    expect(maxDifference(shrink(weights, 0).weights, weights)).toBe(0);
    expect(valuesOf(shrink(weights, 0).dead)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('reading', () => {
  test('a memory of one slot answers it to every query', () => {
    const slot = matrix(1, 6, 2);

    const { values } = readMemory(matrix(4, 6), slot, { ...ADDRESSING, threshold: 0.5 });

    expect(maxDifference(values, tf.tile(slot, [4, 1]))).toBeLessThan(1e-6);
  });

  /** Two slots that different queries are near, one that is near none, one between. */
  const SLOTS = () =>
    tf.tensor2d([
      [1, 0.1, 0],
      [0, 1, 0.1],
      [-1, -1, -1],
      [0.6, 0.6, 0],
    ]);
  const QUERIES = () =>
    tf.tensor2d([
      [1, 0, 0],
      [0.1, 1, 0],
    ]);
  const SHARP: Addressing = { ...ADDRESSING, temperature: 0.3, threshold: 0.05 };

  test('every slot that some query reads has a gradient, one that none reads has not', () => {
    const { weights } = readMemory(QUERIES(), SLOTS(), SHARP);
    const loss = (slots: tf.Tensor) => {
      const { values } = readMemory(QUERIES(), slots as tf.Tensor2D, SHARP);
      return tf.sum(tf.square(tf.sub(values, matrix(2, 3, 4))));
    };

    const sizes = valuesOf(tf.sum(tf.abs(tf.grad(loss)(SLOTS())), 1));

    const isRead = valuesOf(tf.max(weights, 0)).map((weight) => weight > 0);
    expect(isRead).toEqual([true, true, false, true]);
    for (const [j, size] of sizes.entries()) {
      if (isRead[j]) expect(size).toBeGreaterThan(1e-2);
      else expect(size).toBeLessThan(1e-6);
    }
  });

  test('a query with one survivor gets no gradient', () => {
    const alone: Addressing = { ...ADDRESSING, temperature: 0.05, threshold: 0.4 };
    const read = readMemory(QUERIES(), SLOTS(), alone);
    const loss = (queries: tf.Tensor) =>
      tf.sum(tf.square(readMemory(queries as tf.Tensor2D, SLOTS(), alone).values)) as tf.Scalar;

    expect(valuesOf(tf.sum(tf.step(read.weights), 1))).toEqual([1, 1]);
    expect(valuesOf(read.dead)).toEqual([0, 0]);
    expect(maxDifference(tf.grad(loss)(QUERIES()), tf.zeros([2, 3]))).toBeLessThan(1e-6);
  });

  test.each(['cosine', 'dot', 'scaled-dot'] as const)('%s: gradients agree with finite differences', (similarity) => {
    const options: Addressing = { ...ADDRESSING, similarity, temperature: 0.5, threshold: 0.17 };
    const [queries, slots] = [matrix(3, 4), matrix(5, 4, 1)];
    const margin = tf.min(tf.abs(tf.sub(addressWeights(queries, slots, options), 0.17))).dataSync()[0]!;
    const mix = matrix(3, 4, 5);
    const ofQueries = (q: tf.Tensor) => tf.sum(tf.mul(readMemory(q as tf.Tensor2D, slots, options).values, mix));
    const ofSlots = (m: tf.Tensor) => tf.sum(tf.mul(readMemory(queries, m as tf.Tensor2D, options).values, mix));

    expect(margin).toBeGreaterThan(1e-3);
    expect(gradientError(ofQueries as (x: tf.Tensor) => tf.Scalar, queries, 1e-3)).toBeLessThan(0.02);
    expect(gradientError(ofSlots as (x: tf.Tensor) => tf.Scalar, slots, 1e-3)).toBeLessThan(0.02);
  });

  test('a dead query reads zero and has no gradient under zero', () => {
    const options: Addressing = { ...ADDRESSING, threshold: 0.6, deadPolicy: 'zero' };
    const { values, weights, dead } = readMemory(QUERIES(), SLOTS(), options);
    const loss = (queries: tf.Tensor, slots: tf.Tensor) =>
      tf.sum(tf.square(tf.sub(readMemory(queries as tf.Tensor2D, slots as tf.Tensor2D, options).values, 1)));
    const gradients = tf.grads(loss as (...x: tf.Tensor[]) => tf.Scalar)([QUERIES(), SLOTS()]);

    expect(valuesOf(dead)).toEqual([1, 1]);
    for (const tensor of [values, weights, ...gradients]) expect(maxDifference(tensor, tf.zeros(tensor.shape))).toBe(0);
  });

  test('a dead query keeps its largest weight under keep-max: it reads one row, which gets the gradient', () => {
    const options: Addressing = { ...ADDRESSING, threshold: 0.6 };
    const { values, dead } = readMemory(QUERIES(), SLOTS(), options);
    const loss = (queries: tf.Tensor, slots: tf.Tensor) =>
      tf.sum(readMemory(queries as tf.Tensor2D, slots as tf.Tensor2D, options).values);
    const [ofQueries, ofSlots] = tf.grads(loss as (...x: tf.Tensor[]) => tf.Scalar)([QUERIES(), SLOTS()]);

    expect(valuesOf(dead)).toEqual([1, 1]);
    expect(maxDifference(values, tf.gather(SLOTS(), tf.tensor1d([0, 1], 'int32')))).toBe(0);
    expect(maxDifference(ofQueries!, tf.zeros([2, 3]))).toBe(0);
    expect(valuesOf(tf.sum(ofSlots!, 1))).toEqual([3, 3, 0, 0]);
  });

  test('permuting the queries, the positions of a latent, permutes the answers', () => {
    const order = tf.tensor1d([3, 0, 2, 5, 1, 4], 'int32');
    const options: Addressing = { ...ADDRESSING, threshold: 0.15 };
    const [queries, slots] = [matrix(6, 4), matrix(5, 4, 1)];

    const [plain, permuted] = [queries, tf.gather(queries, order)].map((q) => readMemory(q, slots, options).values);

    expect(maxDifference(permuted!, tf.gather(plain!, order))).toBeLessThan(1e-6);
  });

  test('one dead query among live ones changes nothing for them', () => {
    const options: Addressing = { ...ADDRESSING, similarity: 'dot', threshold: 0.3 };
    const queries = tf.concat([QUERIES(), tf.zeros([1, 3])]) as tf.Tensor2D;

    const [few, more] = [readMemory(QUERIES(), SLOTS(), options), readMemory(queries, SLOTS(), options)];

    expect(valuesOf(more.dead)).toEqual([0, 0, 1]);
    expect(maxDifference(tf.slice(more.values, [0, 0], [2, 3]), few.values)).toBeLessThan(1e-6);
  });
});

describe('entropy', () => {
  test('is ln N for uniform weights and 0 for one slot, with finite gradients', () => {
    const uniform = tf.fill([2, 100], 0.01) as tf.Tensor2D;
    const single = tf.oneHot(tf.tensor1d([3, 7], 'int32'), 100).toFloat() as tf.Tensor2D;

    for (const value of valuesOf(addressingEntropy(uniform))) expect(value).toBeCloseTo(Math.log(100), 5);
    for (const value of valuesOf(addressingEntropy(single))) expect(Math.abs(value)).toBeLessThan(1e-9);
    for (const value of valuesOf(tf.grad((w) => entropyTerm(w as tf.Tensor2D))(single))) {
      expect(value).toSatisfy(Number.isFinite);
    }
  });

  test('is averaged over the queries', () => {
    const mixed = tf.tensor2d([
      [0.5, 0.5],
      [1, 0],
    ]);

    expect(entropyTerm(mixed).dataSync()[0]).toBeCloseTo(Math.LN2 / 2, 6);
  });
});
