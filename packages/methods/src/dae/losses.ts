import * as tf from '@tensorflow/tfjs';
import { bceOnLogits, bernoulliKl, halfSquaredError, weightPenalty } from '../kit/losses.js';
import type { ParameterSource } from '../kit/optimizer.js';
import { scalar } from '../kit/scalars.js';

/** `(1/B) sum_b 1/2 ||x_b - x^_b||^2`: summed over components, averaged over the batch (UFLDL, first term of J). */
export function squaredErrorTerm(images: tf.Tensor, reconstructions: tf.Tensor): tf.Scalar {
  return halfSquaredError(reconstructions, images);
}

/**
 * `(1/B) sum_b sum_i BCE(x_bi, x^_bi)`, the optional loss, on the same scale (ours).
 * @param logits `[batch, ...]` with as many components as the images, in their order.
 */
export function crossEntropyTerm(images: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  const sum = tf.sum(bceOnLogits(logits, tf.reshape(images, logits.shape)));
  return tf.mul(sum, scalar(1 / images.shape[0]!));
}

/** `(lambda/2) sum_l ||W_l||_F^2` over every weight matrix and kernel, not the biases; not divided by the batch (second term of J). */
export function weightTerm(networks: readonly ParameterSource[], lambda: number): tf.Scalar {
  return tf.mul(weightPenalty(networks), scalar(lambda));
}

/** `beta sum_j KL(rho || rho_j)`, rho_j the batch mean of code unit j (UFLDL sparsity). `code` is `[batch, latentSize]`. */
export function sparsityTerm(code: tf.Tensor, rho: number, beta: number): tf.Scalar {
  return tf.mul(bernoulliKl(rho, tf.mean(code, 0)), scalar(beta));
}
