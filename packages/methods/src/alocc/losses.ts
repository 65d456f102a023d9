import * as tf from '@tensorflow/tfjs';
import { meanBceOnLogits, meanSquaredError } from '../kit/losses.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';

/** `L_D = BCE(D(x), 1) + BCE(D(R(xn)), 0)`: the two are added, not averaged; a scalar. */
export function discriminationLoss(realLogits: tf.Tensor, fakeLogits: tf.Tensor): tf.Scalar {
  return tf.add(meanBceOnLogits(realLogits, 1), meanBceOnLogits(fakeLogits, 0));
}

/** `BCE(D(R(xn)), 1)`, the non-saturating form of the code; a scalar. */
export function adversarialLoss(fakeLogits: tf.Tensor): tf.Scalar {
  return meanBceOnLogits(fakeLogits, 1);
}

/** What a reconstruction is compared with. */
export interface Target {
  /** `[batch, height, width, channels]` in [-1, 1]. */
  readonly clean: tf.Tensor;
  /** The same with noise, R's input. */
  readonly noisy: tf.Tensor;
}

/**
 * L_rec, a scalar. `mse`: mean of (x - R(xn))^2 over every element. `l2sum`: its sum over an image, averaged over the
 * batch. `bceTanh`: the code's mean cross-entropy with R's tanh output as the logit and the noisy input as the label.
 */
export function reconstructionLoss(
  rebuilt: tf.Tensor,
  { clean, noisy }: Target,
  kind: Hyperparameters['recLoss'],
): tf.Scalar {
  if (kind === 'bceTanh') return meanBceOnLogits(rebuilt, noisy);
  const mean = meanSquaredError(clean, rebuilt);
  return kind === 'mse' ? mean : tf.mul(mean, scalar(clean.size / clean.shape[0]!));
}
