import * as tf from '@tensorflow/tfjs';
import { meanBceOnLogits, meanSquaredError } from '../kit/losses.js';

/** `L_adv = mean_i BCE(D(x^_i), 1)`, the non-saturating form, a scalar. */
export function adversarialLoss(fakeLogit: tf.Tensor): tf.Scalar {
  return meanBceOnLogits(fakeLogit, 1);
}

/** `L_con`: mean of |x - x^| over batch, pixels and channels, a scalar. */
export function contextualLoss(x: tf.Tensor, rebuilt: tf.Tensor): tf.Scalar {
  return tf.mean(tf.abs(tf.sub(x, rebuilt)));
}

/** `L_lat`: mean of (f(x) - f(x^))^2 over batch and features, a scalar. */
export function latentLoss(realFeature: tf.Tensor, fakeFeature: tf.Tensor): tf.Scalar {
  return meanSquaredError(realFeature, fakeFeature);
}

/** `mean BCE(D(x), 1) + mean BCE(D(x^), 0)`: the two are summed, not halved; a scalar. */
export function discriminationLoss(realLogit: tf.Tensor, fakeLogit: tf.Tensor): tf.Scalar {
  return tf.add(meanBceOnLogits(realLogit, 1), meanBceOnLogits(fakeLogit, 0));
}
