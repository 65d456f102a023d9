import * as tf from '@tensorflow/tfjs';
import { halfSquaredNorm } from '../kit/half-squared-norm.js';
import { scalar } from '../kit/scalars.js';
import type { Structures } from './structures.js';

/** `SSE(a, x)`: squared error summed over pixels and channels, averaged over the batch, a scalar. */
export function summedSquaredError(a: tf.Tensor, x: tf.Tensor): tf.Scalar {
  return tf.mul(halfSquaredNorm(tf.sub(a, x)), scalar(2 / x.shape[0]!));
}

/** `A sub_1 + (1 - A) sub_2`, written `sub_2 + A (sub_1 - sub_2)`. @param attention A, `[batch, height, width, 1]`. */
export function blend(attention: tf.Tensor, [first, second]: readonly [tf.Tensor, tf.Tensor]): tf.Tensor4D {
  return tf.add(second, tf.mul(attention, tf.sub(first, second))) as tf.Tensor4D;
}

/**
 * The structure-consistency constraint of the abstract: `S S (mean |E_sem(x^) - s_1| + mean |E_low(x^) - s_2|)`, a scalar
 * on the scale of the summed errors.
 */
export function structureDifference(rebuilt: Structures, original: Structures): tf.Scalar {
  const [, height, width] = original.edges.shape;
  const mean = (a: tf.Tensor, b: tf.Tensor) => tf.mean(tf.abs(tf.sub(a, b)));
  const sum = tf.add(mean(rebuilt.semantic, original.semantic), mean(rebuilt.edges, original.edges));
  return tf.mul(sum, scalar(height * width));
}
