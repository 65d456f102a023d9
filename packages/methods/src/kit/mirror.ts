import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { randomBernoulli } from './random-tensors.js';
import { scalar } from './scalars.js';

/** Mirrors each image left to right with a chance of one half: `[batch, height, width, channels]`. */
export function mirrorHalf(images: tf.Tensor4D, generator: RandomGenerator): tf.Tensor4D {
  return tf.tidy(() => {
    const isMirrored = randomBernoulli<tf.Rank.R4>(generator, [images.shape[0], 1, 1, 1], 0.5);
    const kept = tf.mul(images, tf.sub(scalar(1), isMirrored));
    return tf.add(kept, tf.mul(tf.reverse(images, 2), isMirrored));
  });
}
