import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { useJavaScriptBackend, useNativeEngine } from '../testing/engine.fixtures.js';
import { halfSquaredNorm } from './half-squared-norm.js';
import {
  bceOnLogits,
  bernoulliKl,
  halfSquaredError,
  meanBceOnLogits,
  meanPerSample,
  meanSquaredError,
  meanSquaredErrorPerSample,
  sumPerSample,
  weightPenalty,
} from './losses.js';

const value = (tensor: tf.Tensor) => tensor.dataSync()[0]!;

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('losses on the %s backend', (_name, useBackend) => {
  beforeAll(useBackend);

  test('binary cross-entropy has its known values and stays finite at extreme logits', () => {
    expect(value(bceOnLogits(tf.scalar(0), 0))).toBeCloseTo(Math.LN2, 6);
    expect(value(bceOnLogits(tf.scalar(0), 1))).toBeCloseTo(Math.LN2, 6);
    expect(value(bceOnLogits(tf.scalar(100), 1))).toBeLessThan(1e-6);
    expect(value(bceOnLogits(tf.scalar(-100), 1))).toBeCloseTo(100, 4);
    for (const logit of [1e4, -1e4]) {
      for (const target of [0, 1] as const) {
        const expected = logit > 0 === (target === 1) ? 0 : 1e4;
        expect(value(bceOnLogits(tf.scalar(logit), target))).toBeCloseTo(expected, 3);
        expect(value(bceOnLogits(tf.scalar(logit), tf.scalar(target)))).toBeCloseTo(expected, 3);
      }
    }
  });

  test('binary cross-entropy with soft targets is -y log p - (1 - y) log(1 - p)', () => {
    const p = 1 / (1 + Math.exp(-0.8));

    expect(value(meanBceOnLogits(tf.tensor1d([0.8, 0.8]), tf.tensor1d([0.3, 0.3])))).toBeCloseTo(
      -0.3 * Math.log(p) - 0.7 * Math.log(1 - p),
      6,
    );
  });

  test('squared errors reduce as their names say', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2, 1]);
    const y = tf.zerosLike(x);

    expect(value(meanSquaredError(x, y))).toBeCloseTo(204 / 8, 5);
    expect(value(halfSquaredError(x, y))).toBeCloseTo(204 / 2 / 2, 5);
    expect(Array.from(meanSquaredErrorPerSample(x, y).dataSync())).toEqual([30 / 4, 174 / 4]);
    expect(Array.from(sumPerSample(x).dataSync())).toEqual([10, 26]);
    expect(Array.from(meanPerSample(x).dataSync())).toEqual([2.5, 6.5]);
  });

  test('the half squared norm has gradient x, also at zero', () => {
    expect(value(halfSquaredNorm(tf.tensor1d([3, -4])))).toBeCloseTo(12.5, 5);
    expect(
      Array.from(
        tf
          .grad(halfSquaredNorm)(tf.tensor1d([0, -4]))
          .dataSync(),
      ),
    ).toEqual([0, -4]);
  });

  test('the Bernoulli divergence is zero where the activation is as wanted', () => {
    const expected = 0.05 * Math.log(0.05 / 0.5) + 0.95 * Math.log(0.95 / 0.5);

    expect(value(bernoulliKl(0.05, tf.tensor1d([0.05, 0.05])))).toBeCloseTo(0, 5);
    expect(value(bernoulliKl(0.05, tf.tensor1d([0.5, 0.05])))).toBeCloseTo(expected, 5);
    expect(value(bernoulliKl(0.05, tf.tensor1d([0, 1])))).toBeLessThan(100);
  });

  test('the weight penalty counts kernels and leaves biases alone', () => {
    const variable = (values: number[]) => tf.variable(tf.tensor1d(values));
    const penalty = weightPenalty([
      {
        trainable: [
          { name: 'n/a/kernel', parameter: 'kernel', variable: variable([2]) },
          { name: 'n/a/bias', parameter: 'bias', variable: variable([100]) },
          { name: 'n/b/kernel', parameter: 'kernel', variable: variable([1, 3]) },
        ],
      },
    ]);

    expect(value(penalty)).toBeCloseTo((4 + 1 + 9) / 2, 5);
  });
});
