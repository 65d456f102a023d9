import * as tf from '@tensorflow/tfjs';
import type { ScaleFusion } from './score-names.js';

/**
 * How much each scale counts for each image.
 *
 * - `select`: 1 for `s* = argmax_s [mean(map_s) - mu_s]`, the scale whose error is furthest above the usual, 0 for the others;
 * - `mean`: the same for all, in sum 1;
 * - `normMean`: `1 / (scales mu_s)`, the mean of the errors in units of the usual one.
 *
 * @param means `mean(map_s)`, `[batch, scales]`.
 * @param usual `mu_s`, its mean over training images; not asked for by `mean`.
 * @returns `[batch, scales]`; the caller disposes it.
 */
export function fusionWeights(means: tf.Tensor2D, fusion: ScaleFusion, usual: () => readonly number[]): tf.Tensor2D {
  return tf.tidy(() => {
    const [batch, scales] = means.shape;
    switch (fusion) {
      case 'mean':
        return tf.fill<tf.Rank.R2>([batch, scales], 1 / scales);
      case 'normMean':
        return tf.tile(
          tf.tensor2d(
            usual().map((mu) => 1 / (scales * mu)),
            [1, scales],
          ),
          [batch, 1],
        );
      case 'select': {
        const chosen = tf.argMax(tf.sub(means, tf.tensor1d([...usual()])), 1);
        return tf.cast(tf.equal(tf.reshape(chosen, [batch, 1]), tf.range(0, scales, 1, 'int32')), 'float32');
      }
    }
  });
}

/** `sum_s w_s mean(map_s)`, one score per image: `[batch, scales]` twice -> `[batch]`. */
export function fuseMeans(means: tf.Tensor2D, weights: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.mul(means, weights), 1);
}

/** `sum_s w_s map_s`: maps `[batch, scales, height, width]` -> `[batch, height, width]`. */
export function fuseMaps(maps: tf.Tensor4D, weights: tf.Tensor2D): tf.Tensor3D {
  return tf.tidy(() => tf.sum(tf.mul(maps, tf.reshape(weights, [...weights.shape, 1, 1])), 1));
}
