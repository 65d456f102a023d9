import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { randomBernoulli, randomNormal, randomUniform } from '../kit/random-tensors.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';

/**
 * The corrupted input x~ of a denoising autoencoder, drawn afresh at every call (Vincent et al.; level and kind of the
 * paper were not available). A pixel is corrupted in all its channels together.
 *
 * - `mask`: `x * m`, m ~ Bernoulli(1 - maskProbability) per pixel;
 * - `gauss`: `x + noiseSigma * N(0, 1)` per component, not clipped;
 * - `saltpepper`: a fraction of the pixels becomes 0 or 1 with equal chance;
 * - `none`: the images themselves.
 *
 * @param images `[batch, height, width, channels]` in [0, 1]; left alone.
 * @returns same shape; the caller disposes it.
 */
export function corrupt(images: tf.Tensor4D, h: Hyperparameters, generator: RandomGenerator): tf.Tensor4D {
  return tf.tidy((): tf.Tensor4D => {
    const [batch, height, width] = images.shape;
    const pixels: [number, number, number, number] = [batch, height, width, 1];
    switch (h.noise) {
      case 'none':
        return images.clone();
      case 'mask':
        return tf.mul(images, randomBernoulli<tf.Rank.R4>(generator, pixels, 1 - h.maskProbability));
      case 'gauss':
        return tf.add(images, tf.mul(randomNormal<tf.Rank.R4>(generator, images.shape), scalar(h.noiseSigma)));
      case 'saltpepper': {
        // One draw decides both: below p / 2 pepper, from there to p salt, above the pixel stays.
        const draw = randomUniform<tf.Rank.R4>(generator, pixels);
        const isKept = tf.greaterEqual(draw, scalar(h.saltPepperProbability));
        const isNotPepper = tf.greaterEqual(draw, scalar(h.saltPepperProbability / 2));
        const kept = tf.cast(isKept, 'float32');
        return tf.add(tf.mul(images, kept), tf.sub(tf.cast(isNotPepper, 'float32'), kept));
      }
    }
  });
}
