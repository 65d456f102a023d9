import * as tf from '@tensorflow/tfjs';
import { meanPerSample, meanSquaredErrorPerSample } from '../kit/losses.js';
import { scalar } from '../kit/scalars.js';
import { addressingEntropy } from './losses.js';
import type { ScoreName } from './score-names.js';

/** An image and what the memory made of it. */
export interface Recollection {
  /** x, `[batch, height, width, channels]` in [-1, 1]. */
  readonly images: tf.Tensor4D;
  /** x^, the same shape. */
  readonly reconstructions: tf.Tensor4D;
  /** z, `[queries, C]`: one or more in a row for every image. */
  readonly queries: tf.Tensor2D;
  /** w^, `[queries, slots]`. */
  readonly weights: tf.Tensor2D;
  /** M, `[slots, C]`. */
  readonly slots: tf.Tensor2D;
}

/**
 * One score per image, `[batch]`:
 *
 * - `mse`: mean squared error, which ranks images as the paper's squared norm does;
 * - `l2map`: mean over the pixels of the Euclidean norm over the channels (authors' code);
 * - `entropy`: E(w^), averaged over the image's queries (ours);
 * - `distance`: from z to its nearest slot, averaged over the image's queries (ours).
 */
export function scoreRecollection(seen: Recollection, name: ScoreName): tf.Tensor1D {
  const { images, reconstructions } = seen;
  const perImage = (values: tf.Tensor1D) => meanPerSample(tf.reshape(values, [images.shape[0], -1]));
  switch (name) {
    case 'mse':
      return meanSquaredErrorPerSample(images, reconstructions);
    case 'l2map':
      return meanPerSample(tf.sqrt(tf.sum(tf.squaredDifference(images, reconstructions), 3)));
    case 'entropy':
      return perImage(addressingEntropy(seen.weights));
    case 'distance':
      return perImage(nearestSlotDistance(seen.queries, seen.slots));
  }
}

/** `min_j ||z - m_j||`, `[queries]`; `|z|^2 - 2 z.m + |m|^2`, which rounding may take below 0, floored there. */
function nearestSlotDistance(queries: tf.Tensor2D, slots: tf.Tensor2D): tf.Tensor1D {
  const products = tf.mul(tf.matMul(queries, slots, false, true), scalar(-2));
  const nearest = tf.min(tf.add(products, tf.sum(tf.square(slots), 1)), 1);
  return tf.sqrt(tf.relu(tf.add(nearest, tf.sum(tf.square(queries), 1))));
}
