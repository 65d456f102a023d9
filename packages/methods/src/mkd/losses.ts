import * as tf from '@tensorflow/tfjs';
import { meanSquaredErrorPerSample } from '../kit/losses.js';
import { scalar } from '../kit/scalars.js';

/**
 * `1 - <s, c> / max(|s| |c|, 1e-8)` of every sample, its whole map one vector (L_dir of the code): 0 for equal directions,
 * 1 for orthogonal ones and where one is zero, 2 for opposite ones. The gradient is finite everywhere.
 * @param source `[batch, ...]`
 * @returns `[batch]`
 */
export function directionPerSample(source: tf.Tensor, clone: tf.Tensor): tf.Tensor1D {
  const [s, c] = [source, clone].map((map) => tf.reshape(map, [map.shape[0]!, -1])) as [tf.Tensor2D, tf.Tensor2D];
  const length = (vectors: tf.Tensor2D) => tf.sqrt(tf.add(tf.sum(tf.square(vectors), 1), scalar(1e-16)));
  const lengths = tf.maximum(tf.mul(length(s), length(c)), scalar(1e-8));
  return tf.sub(scalar(1), tf.div(tf.sum(tf.mul(s, c), 1), lengths));
}

/** Mean over all elements of a sample of `(s - c)^2` (L_val), `[batch]`. */
export function valuePerSample(source: tf.Tensor, clone: tf.Tensor): tf.Tensor1D {
  return meanSquaredErrorPerSample(source, clone);
}

/** Both terms, summed over the taps, `[batch]` each. */
export interface Disagreement {
  readonly direction: tf.Tensor1D;
  readonly value: tf.Tensor1D;
}

/** `sum_i dir_i` and `sum_i val_i` over pairs of taps. */
export function disagreement(sources: readonly tf.Tensor[], clones: readonly tf.Tensor[]): Disagreement {
  const over = (term: (s: tf.Tensor, c: tf.Tensor) => tf.Tensor1D) =>
    tf.addN(sources.map((source, i) => term(source, clones[i]!)));
  return { direction: over(directionPerSample), value: over(valuePerSample) };
}

/** `direction + lambda value` (the code's loss and score). */
export function weigh({ direction, value }: Disagreement, lambda: number): tf.Tensor1D {
  return lambda === 0 ? direction : tf.add(direction, tf.mul(value, tf.scalar(lambda)));
}
