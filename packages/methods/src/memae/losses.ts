import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';

/** Keeps log(0) finite (authors' code). */
const EPSILON = 1e-12;

/**
 * `E(w^) = -sum_j w^_j log w^_j` of every query (paper, equation of the addressing entropy): 0 for one slot, ln N for all
 * alike. A dead query's is 0 too, so the loss rewards dying.
 * @param weights w^, `[queries, slots]`.
 * @returns `[queries]`, in nats.
 */
export function addressingEntropy(weights: tf.Tensor2D): tf.Tensor1D {
  return tf.neg(tf.sum(tf.mul(weights, tf.log(tf.add(weights, scalar(EPSILON)))), 1));
}

/** Averaged over all queries of the batch, positions included (authors' code), a scalar. */
export function entropyTerm(weights: tf.Tensor2D): tf.Scalar {
  return tf.mean(addressingEntropy(weights));
}
