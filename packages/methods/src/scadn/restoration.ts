import * as tf from '@tensorflow/tfjs';
import { chunkRanges } from '../kit/batching.js';
import type { ImageShape } from '../method.js';
import { MASKS_PER_SCALE } from './masks.js';

/** Fills hidden pixels: images `[batch, height, width, channels]`, masks `[batch, height, width, 1]`. */
export type Fill = (images: tf.Tensor4D, hidden: tf.Tensor4D) => tf.Tensor4D;

/** Passes in one batch: 256 of 32x32 pixels, 64 of 64x64, one of 512x512. */
export function passLimit({ height, width }: ImageShape): number {
  return Math.min(256, Math.max(1, Math.floor(2 ** 18 / (height * width))));
}

/**
 * `map_s = max_k e_(s,k)`, `e_(s,k) = mean_c (G(x_in) - x)^2 m_(s,k)`: for every pixel the larger of the errors under the
 * vertical and under the horizontal stripes.
 *
 * @param masks `[4 scales, height, width, 1]`.
 * @returns `[batch, scales, height, width]`; the caller disposes it.
 */
export function scaleMaps(fill: Fill, images: tf.Tensor4D, masks: tf.Tensor4D): tf.Tensor4D {
  const [count, height, width] = masks.shape;
  const errors = overPasses(images, masks, (x, m, passes) => {
    const error = tf.mean(tf.squaredDifference(fill(x, m), x), 3);
    return tf.reshape(tf.mul(error, tf.squeeze(m, [3])), [-1, passes, height, width]);
  });
  return tf.tidy(() => {
    const byScale = tf.reshape(errors, [-1, count / MASKS_PER_SCALE, MASKS_PER_SCALE, height * width]);
    errors.dispose();
    return tf.reshape(tf.max(byScale, 2), [-1, count / MASKS_PER_SCALE, height, width]);
  });
}

/** What the generator puts into every pixel when it is hidden, averaged over the masks that hide it: shape of the images. */
export function fillAverage(fill: Fill, images: tf.Tensor4D, masks: tf.Tensor4D): tf.Tensor4D {
  const [, height, width, channels] = images.shape;
  const sums = overPasses(images, masks, (x, m, passes) => {
    const filled = tf.reshape(tf.mul(fill(x, m), m), [-1, passes, height * width * channels]);
    return tf.reshape(tf.sum(filled, 1), [-1, 1, height, width * channels]);
  });
  return tf.tidy(() => {
    const total = tf.reshape(tf.sum(sums, 1), images.shape);
    sums.dispose();
    return tf.div(total, tf.sum(masks, 0));
  });
}

/**
 * Runs every image under every mask, as many passes at once as fit: several images with all masks, or one with some.
 *
 * @param measure of images and masks of equally many passes, image by image; returns `[images, anything, ...]`, joined along
 *   the second axis over the masks and along the first over the images.
 */
function overPasses(
  images: tf.Tensor4D,
  masks: tf.Tensor4D,
  measure: (images: tf.Tensor4D, masks: tf.Tensor4D, masksPerImage: number) => tf.Tensor,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape;
  const count = masks.shape[0];
  const limit = passLimit({ height, width, channels });
  return tf.tidy(() => {
    const groups = chunkRanges(batch, Math.max(1, Math.floor(limit / count))).map(([start, end]) => {
      const parts = chunkRanges(count, limit).map(([first, last]) =>
        tf.tidy(() => {
          const [n, q] = [end - start, last - first];
          const x = tf.tile(tf.reshape(tf.slice(images, start, n), [n, 1, height * width * channels]), [1, q, 1]);
          const m = tf.tile(tf.slice(masks, first, q), [n, 1, 1, 1]);
          return measure(tf.reshape(x, [n * q, height, width, channels]), m as tf.Tensor4D, q);
        }),
      );
      return tf.concat(parts, 1);
    });
    return tf.concat(groups) as tf.Tensor4D;
  });
}
