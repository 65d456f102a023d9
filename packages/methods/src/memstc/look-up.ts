import * as tf from '@tensorflow/tfjs';
import { chunkRanges } from '../kit/batching.js';
import { scalar } from '../kit/scalars.js';

/** What is searched. */
export interface Stored {
  /** `[entries, size]`. */
  readonly keys: tf.Tensor2D;
  /** `[entries, valueSize]`. */
  readonly values: tf.Tensor2D;
  /** `[entries, 1]`. */
  readonly ids: tf.Tensor2D;
}

export interface LookUpOptions {
  /** K: nearest entries whose values are averaged. */
  readonly neighbours: number;
  /** Squared distances are divided by it before the soft-max over the K. */
  readonly neighbourTemperature: number;
  /** Per key, an image whose entries are passed over, unless there is nothing else. */
  readonly excludedIds?: Int32Array;
}

/** What a look-up found for each key. */
export interface Match {
  /** `[keys, valueSize]`. */
  readonly values: tf.Tensor2D;
  /** Squared Euclidean distance to the nearest key, `[keys]`, at least 0. */
  readonly squaredDistances: tf.Tensor1D;
}

/** Keys searched at once, which bounds the distance matrix. */
const CHUNK = 4096;
/** Added to the squared distance of an excluded entry; far above any real one. */
const EXCLUDED = 1e6;

/**
 * `j = argmin_i ||k - key_i||^2`, `v = value_j` (spec, "The queue"), or the mean of the K nearest values weighted by
 * `softmax(-d^2 / temperature)`. Constants: call it outside of gradient functions.
 *
 * The search ranks by `|b|^2 - 2 a.b` from one matrix product; the distances of what it found are then computed from the
 * differences, so a key that is stored is at distance 0 exactly.
 *
 * @param asked keys, `[keys, size]`.
 * @returns tensors the caller owns.
 */
export function lookUp(asked: tf.Tensor2D, stored: Stored, options: LookUpOptions): Match {
  return tf.tidy(() => {
    const nearest = findNearest(asked, stored, options);
    const [count, neighbours] = nearest.shape;
    const flat = tf.reshape(nearest, [-1]) as tf.Tensor1D;
    const found = tf.reshape(tf.gather(stored.keys, flat), [count, neighbours, -1]);
    const distances = tf.sum(tf.squaredDifference(found, tf.expandDims(asked, 1)), 2) as tf.Tensor2D;
    const squaredDistances = tf.min(distances, 1) as tf.Tensor1D;
    const values = tf.gather(stored.values, flat);
    if (neighbours === 1) return { values, squaredDistances };
    const weights = tf.softmax(tf.mul(distances, scalar(-1 / options.neighbourTemperature)));
    const weighted = tf.mul(tf.reshape(values, [count, neighbours, -1]), tf.expandDims(weights, 2));
    return { values: tf.sum(weighted, 1) as tf.Tensor2D, squaredDistances };
  });
}

/** Rows of the nearest entries, `[keys, min(K, entries)]` int32, nearest first; chunk by chunk. */
function findNearest(
  asked: tf.Tensor2D,
  { keys, ids }: Stored,
  { neighbours, excludedIds }: LookUpOptions,
): tf.Tensor2D {
  const excluded =
    excludedIds === undefined ? null : tf.tensor2d(Float32Array.from(excludedIds), [excludedIds.length, 1]);
  const entries = keys.shape[0];
  const found = chunkRanges(entries, CHUNK).map(([start, end]) => {
    const part = entries <= CHUNK ? keys : tf.slice(keys, [start, 0], [end - start, -1]);
    const products = tf.mul(tf.matMul(asked, part, false, true), scalar(2));
    const lengths = tf.sum(tf.square(part), 1);
    let closeness = tf.sub(products, lengths);
    if (excluded !== null) {
      const isExcluded = tf.equal(excluded, tf.reshape(tf.slice(ids, [start, 0], [end - start, 1]), [1, -1]));
      closeness = tf.sub(closeness, tf.mul(tf.cast(isExcluded, 'float32'), scalar(EXCLUDED)));
    }
    const { values, indices } = tf.topk(closeness, Math.min(neighbours, end - start));
    return { values, indices: tf.add(indices, tf.scalar(start, 'int32')) };
  });
  if (found.length === 1) return found[0]!.indices as tf.Tensor2D;
  const candidates = tf.concat(
    found.map(({ indices }) => indices),
    1,
  );
  const best = tf.topk(
    tf.concat(
      found.map(({ values }) => values),
      1,
    ),
    Math.min(neighbours, entries),
  );
  return tf.gather(candidates, best.indices, 1, 1) as tf.Tensor2D;
}
