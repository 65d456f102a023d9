import * as tf from '@tensorflow/tfjs';
import { smoothMaps } from '../kit/smooth-maps.js';
import type { ScoreReduction } from './score-names.js';

/** `M(h, w) = mean_c (x - x^)^2`: `[batch, height, width, channels]` twice -> `[batch, height, width]`. */
export function errorMap(images: tf.Tensor4D, reconstructions: tf.Tensor4D): tf.Tensor3D {
  return tf.mean(tf.squaredDifference(images, reconstructions), 3);
}

/**
 * One score per map, `[batch, height, width] -> [batch]`: mean over the pixels (the mean squared error A(x)), maximum,
 * or mean of the largest hundredth of the pixels, at least one (ours, for small defects).
 */
export function reduceMap(map: tf.Tensor3D, reduction: ScoreReduction): tf.Tensor1D {
  const [batch, height, width] = map.shape;
  const pixels = tf.reshape(map, [batch, height * width]);
  if (reduction === 'mean') return tf.mean(pixels, 1);
  if (reduction === 'max') return tf.max(pixels, 1);
  const count = Math.max(1, Math.round((height * width) / 100));
  return tf.mean(tf.topk(pixels, count, false).values, 1);
}

/** Gaussian smoothing of maps with sigma = shorter side / 64, borders mirrored: `[batch, height, width]`. */
export function smoothMap(map: tf.Tensor3D): tf.Tensor3D {
  const [, height, width] = map.shape;
  return smoothMaps(map, Math.min(height, width) / 64);
}
