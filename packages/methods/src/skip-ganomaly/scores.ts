import * as tf from '@tensorflow/tfjs';
import { meanPerSample, meanSquaredErrorPerSample } from '../kit/losses.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';

/** `R(x)`: mean over pixels and channels of (x - x^)^2, or of |x - x^|: `[batch]`. */
export function reconstructionScore(x: tf.Tensor, rebuilt: tf.Tensor, norm: Hyperparameters['scoreNorm']): tf.Tensor1D {
  return norm === 'squared' ? meanSquaredErrorPerSample(x, rebuilt) : meanPerSample(tf.abs(tf.sub(x, rebuilt)));
}

/** `L(x)`: mean over the features of (f(x) - f(x^))^2: `[batch]`. */
export function latentScore(realFeature: tf.Tensor, fakeFeature: tf.Tensor): tf.Tensor1D {
  return meanSquaredErrorPerSample(realFeature, fakeFeature);
}

/** `A(x) = lambda R(x) + (1 - lambda) L(x)`: `[batch]`; exactly R for lambda 1 and L for 0. */
export function mixScores(reconstruction: tf.Tensor1D, latent: tf.Tensor1D, lambda: number): tf.Tensor1D {
  if (lambda === 1) return reconstruction;
  if (lambda === 0) return latent;
  return tf.add(tf.mul(reconstruction, scalar(lambda)), tf.mul(latent, scalar(1 - lambda)));
}
