import * as tf from '@tensorflow/tfjs';
import { bceOnLogits, meanBceOnLogits } from '../kit/losses.js';

/** How much a discriminator still doubts that these are real: `BCE(logits, 1)`, a scalar (the generator's side). */
export function deceptionLoss(logits: tf.Tensor): tf.Scalar {
  return meanBceOnLogits(logits, 1);
}

/** `sum_i BCE_i(logits, 0)`: summed over the batch, so that each sample moves independently of its neighbours (spec 3.2, step 3). */
export function miningLoss(logits: tf.Tensor): tf.Scalar {
  return tf.sum(bceOnLogits(logits, 0));
}
