import * as tf from '@tensorflow/tfjs';
import { sumPerSample } from '../kit/losses.js';
import { scalar } from '../kit/scalars.js';
import { ssim } from './ssim.js';

/** `c = x (1 - M) + o M`: what is known of the images and the restored rest; M `[batch, height, width, 1]`, 1 = hidden. */
export function composite(images: tf.Tensor4D, restored: tf.Tensor4D, hidden: tf.Tensor4D): tf.Tensor4D {
  return tf.add(images, tf.mul(tf.sub(restored, images), hidden));
}

/** `L1_hole = sum(|o - x| M) / (C sum(M))` over the whole batch, a scalar. */
export function holeError(images: tf.Tensor4D, restored: tf.Tensor4D, hidden: tf.Tensor4D): tf.Scalar {
  const inside = tf.sum(tf.mul(tf.abs(tf.sub(restored, images)), hidden));
  return tf.div(inside, tf.mul(tf.sum(hidden), scalar(images.shape[3])));
}

/** The same for every image alone, `[batch]`. */
export function holeErrorPerImage(images: tf.Tensor4D, restored: tf.Tensor4D, hidden: tf.Tensor4D): tf.Tensor1D {
  const inside = sumPerSample(tf.mul(tf.abs(tf.sub(restored, images)), hidden));
  return tf.div(inside, tf.mul(sumPerSample(hidden), scalar(images.shape[3])));
}

/** `L_SSIM = 1 - mean SSIM(c, x)` over all valid window positions, channels and images, a scalar. */
export function dissimilarity(images: tf.Tensor4D, completed: tf.Tensor4D): tf.Scalar {
  return tf.sub(scalar(1), tf.mean(ssim(completed, images)));
}
