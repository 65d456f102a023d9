import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';

/** `x (1 - m) + m`: hidden pixels become white. `m` is `[batch, height, width, 1]`, 1 = hidden. */
export function whiten(images: tf.Tensor4D, hidden: tf.Tensor4D): tf.Tensor4D {
  return tf.add(tf.mul(images, tf.sub(scalar(1), hidden)), hidden);
}

/**
 * `L_rec = [mean(((o - x)(1 - m))^2) + hiddenWeight mean(((o - x) m)^2)] / mean(m)`, means over batch, pixels and channels, a
 * scalar. The masks are 0 or 1, so they weigh the squared error.
 */
export function reconstructionLoss(
  images: tf.Tensor4D,
  filled: tf.Tensor4D,
  hidden: tf.Tensor4D,
  hiddenWeight: number,
): tf.Scalar {
  const weights = tf.add(tf.sub(scalar(1), hidden), tf.mul(hidden, scalar(hiddenWeight)));
  return tf.div(tf.mean(tf.mul(tf.squaredDifference(filled, images), weights)), tf.mean(hidden));
}

/** `mean(|o - x| m)` of each image, `[batch]`: the authors' criterion for which weights to keep. */
export function hiddenError(images: tf.Tensor4D, filled: tf.Tensor4D, hidden: tf.Tensor4D): tf.Tensor1D {
  return tf.mean(tf.mul(tf.abs(tf.sub(filled, images)), hidden), [1, 2, 3]);
}
