import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';
import type { Addressing } from './addressing.js';

/** What the memory answered. */
export interface MemoryRead {
  /** z^, `[queries, C]`: convex combinations of slots, or zero for dead queries under `zero`. */
  readonly values: tf.Tensor2D;
  /** w^, `[queries, slots]`, not negative; rows sum to 1, or to 0 for dead queries under `zero`. */
  readonly weights: tf.Tensor2D;
  /** `[queries, 1]`: 1 where no weight survived shrinkage, else 0. */
  readonly dead: tf.Tensor2D;
}

/** Added where a sum may be zero (authors' code). */
const EPSILON = 1e-12;

/**
 * The memory module (paper section 3.3): z^ = w^ M with w^ the shrunk, renormalised softmax of the similarities between
 * each query and every slot. The gradient reaches both inputs, M twice: through the similarities and through the read.
 *
 * The softmax's denominator cancels in the renormalisation, so w^ is the softmax over the surviving slots alone: a slot
 * that survives for no query of a batch has no gradient, and neither has a query with a single survivor.
 *
 * @param queries z, `[queries, C]`.
 * @param slots M, `[slots, C]`.
 */
export function readMemory(queries: tf.Tensor2D, slots: tf.Tensor2D, addressing: Addressing): MemoryRead {
  const { weights, dead } = shrinkWeights(addressWeights(queries, slots, addressing), addressing);
  return { values: tf.matMul(weights, slots), weights, dead };
}

/** w: softmax over the slots of similarity / tau, `[queries, slots]`. */
export function addressWeights(queries: tf.Tensor2D, slots: tf.Tensor2D, addressing: Addressing): tf.Tensor2D {
  const isCosine = addressing.similarity === 'cosine';
  const similarities: tf.Tensor2D = isCosine
    ? tf.matMul(toUnitRows(queries), toUnitRows(slots), false, true)
    : tf.matMul(queries, slots, false, true);
  const size = addressing.similarity === 'scaled-dot' ? Math.sqrt(slots.shape[1]) : 1;
  const scale = 1 / (addressing.temperature * size);
  return tf.softmax(scale === 1 ? similarities : (tf.mul(similarities, scalar(scale)) as tf.Tensor2D));
}

/**
 * w^: hard shrinkage `relu(w - lambda) w / (|w - lambda| + 1e-12)`, which is w above lambda and 0 elsewhere, then
 * division by the row's sum. The shrinkage is written `w step(w - lambda)`: the same values (float32 has no w within
 * 1e-12 of lambda but lambda itself) and the same gradient, without the quotient, whose two large gradient terms
 * cancel only up to rounding near lambda.
 *
 * @param weights w, `[queries, slots]`, rows summing to 1.
 */
export function shrinkWeights(
  weights: tf.Tensor2D,
  { threshold, deadPolicy }: Pick<Addressing, 'threshold' | 'deadPolicy'>,
): Pick<MemoryRead, 'weights' | 'dead'> {
  const [count, slots] = weights.shape;
  if (threshold === 0) return { weights, dead: tf.zeros([count, 1]) };
  const shrunk = tf.mul(weights, tf.step(tf.sub(weights, scalar(threshold))));
  const total = tf.sum(shrunk, 1, true);
  const renormalized = tf.div(shrunk, tf.maximum(total, scalar(EPSILON))) as tf.Tensor2D;
  const dead = tf.step(tf.sub(scalar(EPSILON), total)) as tf.Tensor2D;
  // A memory of one slot has no dead queries: its weight is 1, above every lambda.
  if (deadPolicy === 'zero' || slots === 1) return { weights: renormalized, dead };
  // A constant: the read passes a gradient to the kept slot, none goes to the query.
  const largest = tf.cast(tf.oneHot(tf.argMax(weights, 1), slots), 'float32');
  return { weights: tf.add(renormalized, tf.mul(largest, dead)), dead };
}

/** Rows divided by their length. Not `tf.norm`, whose gradient at a zero row, which ReLU latents have, is NaN. */
function toUnitRows(rows: tf.Tensor2D): tf.Tensor2D {
  const squaredLengths = tf.sum(tf.square(rows), 1, true);
  return tf.mul(rows, tf.rsqrt(tf.add(squaredLengths, scalar(EPSILON))));
}
