import * as tf from '@tensorflow/tfjs';
import { halfSquaredNorm } from './half-squared-norm.js';
import type { ParameterSource } from './optimizer.js';
import { scalar } from './scalars.js';

/** Sum over everything but the batch: `[batch, ...] -> [batch]`. */
export function sumPerSample(x: tf.Tensor): tf.Tensor1D {
  return tf.sum(tf.reshape(x, [x.shape[0]!, -1]), 1);
}

/** Mean over everything but the batch: `[batch, ...] -> [batch]`. */
export function meanPerSample(x: tf.Tensor): tf.Tensor1D {
  return tf.mean(tf.reshape(x, [x.shape[0]!, -1]), 1);
}

/** Mean over every element of `(x - y)^2`, a scalar; shapes are equal. */
export function meanSquaredError(x: tf.Tensor, y: tf.Tensor): tf.Scalar {
  return tf.mul(halfSquaredNorm(tf.sub(x, y)), scalar(2 / x.size));
}

/** Mean squared error of every sample: `[batch, ...] -> [batch]`. */
export function meanSquaredErrorPerSample(x: tf.Tensor, y: tf.Tensor): tf.Tensor1D {
  return meanPerSample(tf.squaredDifference(x, y));
}

/** `1/B sum_b 1/2 ||x_b - y_b||^2`: half the squared error, summed over features, averaged over the batch. */
export function halfSquaredError(x: tf.Tensor, y: tf.Tensor): tf.Scalar {
  return tf.mul(halfSquaredNorm(tf.sub(x, y)), scalar(1 / x.shape[0]!));
}

/**
 * Binary cross-entropy of logits, element by element, finite for any finite logit:
 * `max(l, 0) - l y + log(1 + exp(-|l|))`, which is `softplus(l) - l y`.
 * @param target 0, 1, or a tensor in [0, 1] of the logits' shape.
 */
export function bceOnLogits(logits: tf.Tensor, target: 0 | 1 | tf.Tensor): tf.Tensor {
  if (target === 0) return tf.softplus(logits);
  if (target === 1) return tf.softplus(tf.neg(logits));
  return tf.sub(tf.softplus(logits), tf.mul(logits, target));
}

/** Binary cross-entropy averaged over every element, a scalar; BCE(0, y) = ln 2. */
export function meanBceOnLogits(logits: tf.Tensor, target: 0 | 1 | tf.Tensor): tf.Scalar {
  return tf.mean(bceOnLogits(logits, target));
}

/** `0.5 [BCE(positive, 1) + BCE(negative, 0)]` of the logits of two separate passes, a scalar; ln 2 for logits of zero. */
export function discriminationLoss(positiveLogits: tf.Tensor, negativeLogits: tf.Tensor): tf.Scalar {
  const positive = meanBceOnLogits(positiveLogits, 1);
  const negative = meanBceOnLogits(negativeLogits, 0);
  return tf.mul(tf.add(positive, negative), scalar(0.5));
}

/**
 * `sum_j KL(rho || rho_j)` between Bernoulli distributions, a scalar (UFLDL sparsity term).
 * @param rho wanted activation, in (0, 1).
 * @param activations `[units]`, mean activation of each hidden unit, in (0, 1); clipped to 1e-6 from both ends.
 */
export function bernoulliKl(rho: number, activations: tf.Tensor1D): tf.Scalar {
  const clipped = tf.clipByValue(activations, 1e-6, 1 - 1e-6);
  const on = tf.mul(tf.log(clipped), scalar(-rho));
  const off = tf.mul(tf.log(tf.sub(scalar(1), clipped)), scalar(rho - 1));
  const constant = rho * Math.log(rho) + (1 - rho) * Math.log(1 - rho);
  return tf.add(tf.sum(tf.add(on, off)), scalar(activations.size * constant));
}

/** `1/2 sum ||W||_F^2` over every kernel of the sources (weight matrices and convolution kernels, never biases). */
export function weightPenalty(sources: readonly ParameterSource[]): tf.Scalar {
  const kernels = sources.flatMap((source) => source.trainable.filter((v) => v.parameter === 'kernel'));
  return tf.addN(kernels.map((kernel) => halfSquaredNorm(kernel.variable)));
}
