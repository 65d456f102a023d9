import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';
import { miningLoss } from './losses.js';

export interface MinedCodes {
  /** `[batch, latentSize]` in [-1, 1], a constant for whoever uses it. */
  readonly codes: tf.Tensor2D;
  /** Mean BCE(C(De(s_0)), 0) at the start, a scalar. */
  readonly before: tf.Scalar;
}

/**
 * Searches the latent cube for informative negatives (spec 3.2, step 3): K steps of
 * `s <- clip(s - eta d/ds sum_i BCE_i(C(De(s_i)), 0), -1, 1)`, that is, towards codes whose decodings the classifier is
 * more certain to be out of class. No weight changes.
 *
 * @param start `[batch, latentSize]` in [-1, 1]; stays the caller's.
 * @param classify code `[batch, latentSize]` to logit `[batch, 1]` through decoder and classifier.
 * @returns tensors that the caller owns.
 */
export function mineCodes(
  start: tf.Tensor2D,
  classify: (codes: tf.Tensor) => tf.Tensor,
  h: Pick<Hyperparameters, 'mineSteps' | 'mineStepSize' | 'mineSpace'>,
): MinedCodes {
  return tf.tidy(() => {
    // In tanh space the moved variable is mu with s = tanh(mu); 0.999 keeps atanh finite (spec 7.8).
    const isTanh = h.mineSpace === 'tanh';
    const toCodes = (position: tf.Tensor) => (isTanh ? tf.tanh(position) : position);
    const valueAndGradient = tf.valueAndGrad((position: tf.Tensor) => miningLoss(classify(toCodes(position))));

    let position: tf.Tensor = isTanh ? tf.atanh(tf.mul(start, scalar(0.999))) : start.clone();
    let before: tf.Scalar | undefined;
    for (let k = 0; k < h.mineSteps; k++) {
      const { value, grad } = valueAndGradient(position);
      before ??= tf.mul(value as tf.Scalar, scalar(1 / start.shape[0]));
      const moved = tf.sub(position, tf.mul(grad, scalar(h.mineStepSize)));
      position = isTanh ? moved : tf.clipByValue(moved, -1, 1);
    }
    before ??= tf.mul(miningLoss(classify(toCodes(position))), scalar(1 / start.shape[0]));
    return { codes: toCodes(position) as tf.Tensor2D, before };
  });
}
