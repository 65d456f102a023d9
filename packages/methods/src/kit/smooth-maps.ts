import * as tf from '@tensorflow/tfjs';

/**
 * Gaussian smoothing of anomaly maps, borders mirrored about their last pixel; the kernel is cut at 3 sigma.
 * @param maps `[batch, height, width]`, sides above 3 sigma.
 * @param sigma standard deviation in pixels, above 0.
 * @returns same shape; the caller disposes it.
 */
export function smoothMaps(maps: tf.Tensor3D, sigma: number): tf.Tensor3D {
  return tf.tidy(() => {
    const radius = Math.ceil(3 * sigma);
    const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const kernel = tf.tensor1d(weights.map((weight) => weight / total));
    const size = kernel.size;
    const padded = tf.mirrorPad(
      tf.expandDims(maps, 3),
      [
        [0, 0],
        [radius, radius],
        [radius, radius],
        [0, 0],
      ],
      'reflect',
    );
    const rows = tf.conv2d(padded as tf.Tensor4D, tf.reshape(kernel, [size, 1, 1, 1]), 1, 'valid');
    return tf.squeeze(tf.conv2d(rows, tf.reshape(kernel, [1, size, 1, 1]), 1, 'valid'), [3]) as tf.Tensor3D;
  });
}
