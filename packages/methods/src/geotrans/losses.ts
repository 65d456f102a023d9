import * as tf from '@tensorflow/tfjs';
import { halfSquaredNorm } from '../kit/half-squared-norm.js';
import type { ParameterSource } from '../kit/optimizer.js';
import { scalar } from '../kit/scalars.js';

/**
 * Softmax cross-entropy of every sample, `[batch]`, from logits `[batch, classes]`.
 * @param labels `[batch]`, int32.
 */
export function crossEntropyPerSample(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const wanted = tf.oneHot(labels, logits.shape[1]);
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), wanted), 1));
}

/** Mean softmax cross-entropy over the batch, a scalar: ln(classes) by chance. */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  return tf.mean(crossEntropyPerSample(logits, labels));
}

/** `weight * sum w^2` over every trainable parameter, batch-norm scales and biases included: a plain sum, not halved. */
export function weightTerm({ trainable }: ParameterSource, weight: number): tf.Scalar {
  return tf.mul(tf.addN(trainable.map(({ variable }) => halfSquaredNorm(variable))), scalar(2 * weight));
}
