import { userError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import { meanPerSample } from '../kit/losses.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';
import type { Structures } from './structures.js';

/** An image, what the memory made of it, and the structures of both. */
export interface Recollection {
  /** x, `[batch, height, width, channels]` in [0, 1]. */
  readonly images: tf.Tensor4D;
  /** x^, the same shape. */
  readonly reconstructions: tf.Tensor4D;
  readonly original: Structures;
  readonly rebuilt: Structures;
  /** Distance to the nearest key of each kind of structure, `[batch * entries per image]`, not squared. */
  readonly distances: readonly [tf.Tensor1D, tf.Tensor1D];
}

/** Parts of a score, or the constants they are divided by. */
export interface ScoreParts<T> {
  /** P. */
  readonly pixel: T;
  /** T. */
  readonly structure: T;
  /** R. */
  readonly retrieval: T;
}

/** `mean_c (x - x^)^2`, `[batch, height, width]`; its mean is P. */
export function pixelMap({ images, reconstructions }: Recollection): tf.Tensor3D {
  return tf.mean(tf.squaredDifference(images, reconstructions), 3);
}

/** `1/2 (mean_k (E_sem(x^) - s_1)^2 + (E_low(x^) - s_2)^2)`, `[batch, height, width]`; its mean is T. */
export function structureMap({ original, rebuilt }: Recollection): tf.Tensor3D {
  const semantic = tf.mean(tf.squaredDifference(rebuilt.semantic, original.semantic), 3);
  const edges = tf.mean(tf.squaredDifference(rebuilt.edges, original.edges), 3);
  return tf.mul(tf.add(semantic, edges), scalar(0.5));
}

/** P, T and R of every image, `[batch]` each, higher = more anomalous. R is the mean over an image's cells. */
export function scoreParts(seen: Recollection): ScoreParts<tf.Tensor1D> {
  const [semantic, edges] = seen.distances;
  const both = tf.reshape(tf.add(semantic, edges), [seen.images.shape[0], -1]);
  return {
    pixel: meanPerSample(pixelMap(seen)),
    structure: meanPerSample(structureMap(seen)),
    retrieval: tf.mean(both, 1),
  };
}

/** `A(x) = (1 - lambdaS) P / P_0 + lambdaS T / T_0 + lambdaR R / R_0`, `[batch]`. */
export function combineParts(
  parts: ScoreParts<tf.Tensor1D>,
  constants: ScoreParts<number>,
  { structureShare, retrievalWeight }: Pick<Hyperparameters, 'structureShare' | 'retrievalWeight'>,
): tf.Tensor1D {
  const scaled = (part: keyof ScoreParts<unknown>, weight: number) => tf.mul(parts[part], weight / constants[part]);
  return tf.addN([
    scaled('pixel', 1 - structureShare),
    scaled('structure', structureShare),
    scaled('retrieval', retrievalWeight),
  ]) as tf.Tensor1D;
}

/** Squared pixel error plus lambdaS times the squared structure difference, each over its constant, not smoothed. */
export function combineMaps(
  seen: Recollection,
  constants: ScoreParts<number>,
  { structureShare }: Pick<Hyperparameters, 'structureShare'>,
): tf.Tensor3D {
  const pixel = tf.div(pixelMap(seen), constants.pixel);
  return tf.add(pixel, tf.mul(structureMap(seen), structureShare / constants.structure)) as tf.Tensor3D;
}

/** What a constant must exceed: keys of one image differ by rounding between batches, and real distances are near 1. */
const LEAST_CONSTANTS: ScoreParts<number> = { pixel: 0, structure: 0, retrieval: 1e-5 };

/**
 * P_0, T_0 and R_0: the medians of the parts over held-out normal images.
 * @throws AdctlError `score_constant_zero` (user) when one vanishes, as when the held-out images are in the memory.
 */
export function scoreConstants(parts: ScoreParts<readonly number[]>): ScoreParts<number> {
  const constant = (part: keyof ScoreParts<unknown>): number => {
    const value = median(parts[part]);
    if (value > LEAST_CONSTANTS[part]) return value;
    throw userError(
      'score_constant_zero',
      `the median ${part} score of the held-out normal images is ${value}, and scores are divided by it`,
      { hint: 'Are the held-out images copies of training images? Remove duplicates from the data set.' },
    );
  };
  return { pixel: constant('pixel'), structure: constant('structure'), retrieval: constant('retrieval') };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
