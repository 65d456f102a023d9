import * as tf from '@tensorflow/tfjs';
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
  const sigma = Math.min(height, width) / 64;
  const radius = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kernel = tf.tensor1d(weights.map((weight) => weight / total));
  const size = kernel.size;
  const padded = tf.mirrorPad(
    tf.expandDims(map, 3),
    [
      [0, 0],
      [radius, radius],
      [radius, radius],
      [0, 0],
    ],
    'reflect',
  );
  const rows = tf.conv2d(padded as tf.Tensor4D, tf.reshape(kernel, [size, 1, 1, 1]), 1, 'valid');
  return tf.squeeze(tf.conv2d(rows, tf.reshape(kernel, [1, size, 1, 1]), 1, 'valid'), [3]);
}
