import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  gradientError,
  IS_ON_GPU,
  maxDifference,
  useJavaScriptBackend,
  useNativeEngine,
  waves,
} from '../testing/engine.fixtures.js';
import { createBatchNorm } from './batch-norm.js';
import { biasAdd } from './bias-add.js';
import { halfSquaredNorm } from './half-squared-norm.js';
import { bceOnLogits, bernoulliKl, halfSquaredError, meanSquaredError } from './losses.js';
import { disposeScalars } from './scalars.js';

type Op = (x: tf.Tensor) => tf.Tensor;

/** A scalar that weighs every output element differently, so that a misplaced gradient shows. */
const weighed = (op: Op) => (x: tf.Tensor) => {
  const y = op(x);
  return tf.sum(tf.mul(y, waves(y.shape, 0.7))) as tf.Scalar;
};

/** Half the squared norm of the op's gradient: its own gradient needs the second order of the op. */
const gradientPenalty = (op: Op) => (x: tf.Tensor) =>
  tf.mul(tf.sum(tf.square(tf.grad(weighed(op))(x))), 0.5) as tf.Scalar;

const pixels =
  (op: (x: tf.Tensor4D) => tf.Tensor): Op =>
  (x) =>
    op(x as tf.Tensor4D);
const batchNormOf = (channels: number) => {
  const variables = {
    gamma: tf.variable(waves([channels], 2)),
    beta: tf.variable(waves([channels], 3)),
    movingMean: tf.variable(tf.zeros([channels]), false),
    movingVariance: tf.variable(tf.ones([channels]), false),
  };
  return createBatchNorm(variables, { momentum: 0.9, epsilon: 1e-2 });
};

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('first-order gradients on the %s backend agree with finite differences', (_name, useBackend) => {
  beforeAll(useBackend);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());
  afterAll(disposeScalars);

  const cases: readonly (readonly [string, number[], Op])[] = [
    [
      'mirrorPad, reflect',
      [2, 4, 5, 2],
      (x) =>
        tf.mirrorPad(
          x,
          [
            [0, 0],
            [3, 2],
            [1, 4],
            [0, 0],
          ],
          'reflect',
        ),
    ],
    [
      'mirrorPad, symmetric',
      [2, 4, 5, 2],
      (x) =>
        tf.mirrorPad(
          x,
          [
            [1, 0],
            [4, 2],
            [0, 5],
            [0, 1],
          ],
          'symmetric',
        ),
    ],
    ['half-pixel resize up', [2, 4, 5, 3], pixels((x) => tf.image.resizeBilinear(x, [7, 9], false, true))],
    ['half-pixel resize down', [2, 9, 8, 1], pixels((x) => tf.image.resizeBilinear(x, [4, 3], false, true))],
    ['nearest resize, whole factors', [2, 3, 4, 2], pixels((x) => tf.image.resizeNearestNeighbor(x, [6, 12]))],
    // Square: the JavaScript backend's own kernel swaps height and width.
    ['plain resize', [2, 4, 4, 3], pixels((x) => tf.image.resizeBilinear(x, [8, 8]))],
    ['tanh', [3, 5], tf.tanh],
    ['sigmoid', [3, 5], tf.sigmoid],
    ['exp', [3, 5], tf.exp],
    ['elu', [3, 5], tf.elu],
    ['relu', [3, 5], tf.relu],
    ['leakyRelu', [3, 5], (x) => tf.leakyRelu(x, 0.2)],
    ['softplus', [3, 5], tf.softplus],
    ['where(x > 0)', [3, 5], (x) => tf.where(tf.greater(x, 0), tf.square(x), tf.mul(x, 3))],
    ['where(x <= 1)', [3, 5], (x) => tf.where(tf.lessEqual(x, 1), tf.square(x), tf.mul(x, 3))],
    [
      'logical masks',
      [3, 5],
      (x) => tf.where(tf.logicalAnd(tf.less(x, 1), tf.logicalNot(tf.less(x, -1))), tf.square(x), x),
    ],
    ['depthToSpace', [2, 3, 2, 8], pixels((x) => tf.depthToSpace(x, 2))],
    ['flipLeftRight', [2, 3, 4, 2], pixels((x) => tf.image.flipLeftRight(x))],
    [
      'gatherND',
      [4, 3, 2],
      (x) =>
        tf.gatherND(
          x,
          tf.tensor2d(
            [
              [1, 2],
              [3, 0],
              [1, 2],
            ],
            [3, 2],
            'int32',
          ),
        ),
    ],
    ['topk', [3, 6], (x) => tf.topk(x, 3).values],
    ['biasAdd, values', [2, 3, 3, 4], (x) => biasAdd(x, waves([4], 5))],
    ['biasAdd, bias', [4], (x) => tf.square(biasAdd(waves([2, 3, 3, 4]), x))],
    ['halfSquaredNorm', [3, 4], halfSquaredNorm],
    ['meanSquaredError', [3, 4], (x) => meanSquaredError(x, waves([3, 4], 1))],
    ['halfSquaredError', [3, 4], (x) => halfSquaredError(waves([3, 4], 1), x)],
    ['binary cross-entropy, target 0', [3, 4], (x) => bceOnLogits(x, 0)],
    ['binary cross-entropy, target 1', [3, 4], (x) => bceOnLogits(x, 1)],
    ['binary cross-entropy, soft targets', [3, 4], (x) => bceOnLogits(x, tf.sigmoid(waves([3, 4], 2)))],
    ['Bernoulli KL', [6], (x) => bernoulliKl(0.05, tf.sigmoid(x) as tf.Tensor1D)],
    ['batch norm, train', [3, 2, 2, 3], (x) => batchNormOf(3)(x, 'train')],
    ['batch norm, train, rank 2', [7, 3], (x) => batchNormOf(3)(x, 'train')],
    ['batch norm, infer', [3, 2, 2, 3], (x) => batchNormOf(3)(x, 'infer')],
    ['conv2d', [2, 6, 5, 2], pixels((x) => tf.conv2d(x, waves([3, 3, 2, 3]) as tf.Tensor4D, 2, 'same'))],
    [
      'conv2dTranspose',
      [2, 3, 3, 2],
      pixels((x) => tf.conv2dTranspose(x, waves([4, 4, 3, 2]) as tf.Tensor4D, [2, 6, 6, 3], 2, 'same')),
    ],
  ];

  test.each(cases)('%s', (_case, shape, op) => {
    expect(gradientError(weighed(op), waves(shape, 0.2), 2e-3)).toBeLessThan(0.015);
  });
});

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('second-order gradients on the %s backend agree with finite differences', (_name, useBackend) => {
  beforeAll(useBackend);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());
  afterAll(disposeScalars);

  const cases: readonly (readonly [string, number[], Op])[] = [
    ['tanh', [3, 4], tf.tanh],
    ['sigmoid', [3, 4], tf.sigmoid],
    ['exp', [3, 4], tf.exp],
    ['elu', [3, 4], tf.elu],
    ['softplus', [3, 4], tf.softplus],
    ['leakyRelu of a square', [3, 4], (x) => tf.leakyRelu(tf.square(x), 0.2)],
    ['relu of a square', [3, 4], (x) => tf.relu(tf.sub(tf.square(x), 0.5))],
    ['biasAdd under tanh', [2, 4], (x) => tf.tanh(biasAdd(x, waves([4], 5)))],
    ['halfSquaredNorm of tanh', [3, 4], (x) => halfSquaredNorm(tf.tanh(x))],
    ['batch norm, train', [5, 3], (x) => batchNormOf(3)(x, 'train')],
    [
      'a small critic with leakyRelu and tanh',
      [2, 5, 5, 1],
      pixels((x) => tf.tanh(tf.leakyRelu(tf.conv2d(x, waves([3, 3, 1, 2]) as tf.Tensor4D, 1, 'same'), 0.2))),
    ],
  ];

  test.each(cases)('%s', (_case, shape, op) => {
    expect(gradientError(gradientPenalty(op), waves(shape, 0.2), 2e-3)).toBeLessThan(0.02);
  });
});

describe('on the native backend', () => {
  beforeAll(useNativeEngine);

  // On a GPU TensorFlow's own kernel refuses to run, since its sums would not repeat.
  test.skipIf(IS_ON_GPU).each([2, 4, 8])('enlarging by %i has a gradient with the bits of the kernel’s own', (factor) =>
    tf.tidy(() => {
      const x = waves([4, 3, 5, 7]) as tf.Tensor4D;
      const dy = waves([4, 3 * factor, 5 * factor, 7], 0.3);
      const enlarge = (y: tf.Tensor4D) => tf.image.resizeNearestNeighbor(y, [3 * factor, 5 * factor]);
      const own = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(enlarge(y as tf.Tensor4D), dy)))(x);
      const inputs = { images: x, dy } as unknown as tf.NamedTensorMap;
      const stock = tf.engine().runKernel('ResizeNearestNeighborGrad', inputs, { alignCorners: false });

      expect(maxDifference(own, stock as tf.Tensor)).toBe(0);
    }),
  );
});
