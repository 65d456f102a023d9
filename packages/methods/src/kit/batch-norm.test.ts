import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maxDifference, useJavaScriptBackend, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { type BatchNormVariables, createBatchNorm } from './batch-norm.js';
import { disposeScalars } from './scalars.js';

const OPTIONS = { momentum: 0.9, epsilon: 1e-5 };

function variablesOf(channels: number): BatchNormVariables {
  return {
    gamma: tf.variable(waves([channels], 2)),
    beta: tf.variable(waves([channels], 3)),
    movingMean: tf.variable(waves([channels], 4), false),
    movingVariance: tf.variable(tf.abs(waves([channels], 5)), false),
  };
}

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('batch norm on the %s backend', (_name, useBackend) => {
  beforeAll(useBackend);
  afterAll(disposeScalars);

  test.each([[[4, 3, 3, 2]], [[6, 2]]])('normalises %s by its own statistics in both train modes', (shape) => {
    const variables = variablesOf(2);
    const x = waves(shape);
    const axes = shape.slice(0, -1).map((_, i) => i);
    const { mean, variance } = tf.moments(x, axes);
    const expected = tf.add(
      tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), variables.gamma),
      variables.beta,
    );
    const norm = createBatchNorm(variables, OPTIONS);

    expect(maxDifference(norm(x, 'train'), expected)).toBeLessThan(2e-5);
    expect(maxDifference(norm(x, 'train+update'), expected)).toBeLessThan(2e-5);
  });

  test.each([[[4, 3, 3, 2]], [[6, 2]]])(
    'moves its averages by the biased variance of %s in train+update alone',
    (shape) => {
      const variables = variablesOf(2);
      const norm = createBatchNorm(variables, OPTIONS);
      const x = waves(shape);
      const axes = shape.slice(0, -1).map((_, i) => i);
      const { mean, variance } = tf.moments(x, axes);
      const oldMean = variables.movingMean.clone();
      const oldVariance = variables.movingVariance.clone();

      norm(x, 'train');
      norm(x, 'infer');
      expect(maxDifference(variables.movingMean, oldMean)).toBe(0);
      expect(maxDifference(variables.movingVariance, oldVariance)).toBe(0);

      norm(x, 'train+update');
      const blend = (old: tf.Tensor, batch: tf.Tensor) => tf.add(tf.mul(old, 0.9), tf.mul(batch, 0.1));
      expect(maxDifference(variables.movingMean, blend(oldMean, mean))).toBeLessThan(1e-6);
      expect(maxDifference(variables.movingVariance, blend(oldVariance, variance))).toBeLessThan(1e-6);
    },
  );

  test('updates once when the pass runs inside a gradient function, and its output has the same gradient', () => {
    const [updated, still] = [variablesOf(2), variablesOf(2)];
    const x = waves([4, 3, 3, 2]);
    const gradientOf = (variables: BatchNormVariables, mode: 'train' | 'train+update') =>
      tf.variableGrads(
        () => tf.sum(tf.mul(createBatchNorm(variables, OPTIONS)(x, mode), waves([4, 3, 3, 2], 1))),
        [variables.gamma, variables.beta],
      ).grads;

    const withUpdate = gradientOf(updated, 'train+update');
    const without = gradientOf(still, 'train');

    expect(maxDifference(withUpdate[updated.gamma.name]!, without[still.gamma.name]!)).toBeLessThan(1e-6);
    const { mean } = tf.moments(x, [0, 1, 2]);
    const once = tf.add(tf.mul(still.movingMean, 0.9), tf.mul(mean, 0.1));
    expect(maxDifference(updated.movingMean, once)).toBeLessThan(1e-6);
  });

  test('in inference an output depends on its own image alone', () => {
    const norm = createBatchNorm(variablesOf(2), OPTIONS);
    const x = waves([5, 3, 3, 2]) as tf.Tensor4D;
    const alone = norm(tf.slice4d(x, [2, 0, 0, 0], [1, -1, -1, -1]), 'infer');
    const together = tf.slice4d(norm(x, 'infer') as tf.Tensor4D, [2, 0, 0, 0], [1, -1, -1, -1]);

    expect(maxDifference(alone, together)).toBeLessThan(1e-6);
  });
});

test('a single position has variance zero and no correction to divide by', async () => {
  await useNativeEngine();
  const variables = variablesOf(2);
  const old = variables.movingVariance.clone();
  createBatchNorm(variables, OPTIONS)(waves([1, 2]), 'train+update');

  expect(maxDifference(variables.movingVariance, tf.mul(old, 0.9))).toBeLessThan(1e-6);
});
