import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';
import { type DirichletStatistics, LOWEST_LOG } from './dirichlet.js';

/** `log y(T_t(x))` for the transformation t of a label: `[batch, transformations]`; freed by the surrounding tidy. */
export type LogProbabilities = (label: number) => tf.Tensor2D;

/** The same, computing each label once for all scores in the surrounding tidy. */
export function remembered(logProbabilities: LogProbabilities): LogProbabilities {
  const known = new Map<number, tf.Tensor2D>();
  return (label) => {
    const logs = known.get(label) ?? logProbabilities(label);
    known.set(label, logs);
    return logs;
  };
}

/** The labels 0 ... count - 1. */
export function allLabels(count: number): number[] {
  return Array.from({ length: count }, (_, label) => label);
}

/** `1 - (1 / labels) sum_t y(T_t(x))[t]`: how little the right transformations are recognised; `[batch]` in [0, 1]. */
export function simpleScore(labels: readonly number[], logProbabilities: LogProbabilities): tf.Tensor1D {
  const right = labels.map((label) =>
    tf.exp(tf.squeeze<tf.Tensor1D>(tf.slice2d(logProbabilities(label), [0, label], [-1, 1]), [1])),
  );
  return tf.sub(scalar(1), tf.mul(tf.addN(right), scalar(1 / labels.length)));
}

/**
 * `-n(x)` with the Dirichlet normality `n(x) = (1 / K) sum_t sum_j (alpha_t[j] - 1) log y(T_t(x))[j]`; `[batch]`. The
 * normalising constants of the distributions do not depend on x and are left out.
 * @param alpha `[K, K]`, row t holds the parameters of transformation t.
 */
export function dirichletScore(alpha: tf.Tensor2D, logProbabilities: LogProbabilities): tf.Tensor1D {
  const [count] = alpha.shape;
  const parts = allLabels(count).map((label) => {
    const exponents = tf.sub(tf.reshape(tf.slice2d(alpha, [label, 0], [1, -1]), [count, 1]), scalar(1));
    return tf.squeeze<tf.Tensor1D>(tf.matMul(clamped(logProbabilities(label)), exponents as tf.Tensor2D), [1]);
  });
  return tf.mul(tf.addN(parts), scalar(-1 / count));
}

/** Sums over images of what the Dirichlet fits need. */
export interface StatisticsSum {
  /** Adds a batch; waits for the device. */
  add(logProbabilities: LogProbabilities, images: number): Promise<void>;
  /** The means so far, one for each transformation. */
  means(): DirichletStatistics[];
}

/** Creates empty sums for this many transformations; they are kept in float64. */
export function createStatisticsSum(count: number): StatisticsSum {
  const sums = new Float64Array(2 * count * count);
  let total = 0;
  return {
    async add(logProbabilities, images) {
      const batch = tf.tidy(() =>
        tf.concat(
          allLabels(count).map((label) =>
            tf.tidy(() => {
              const logs = clamped(logProbabilities(label));
              return tf.stack([tf.sum(logs, 0), tf.sum(tf.exp(logs), 0)]);
            }),
          ),
        ),
      );
      const values = await batch.data();
      batch.dispose();
      for (const [i, value] of values.entries()) sums[i]! += value;
      total += images;
    },
    means: () =>
      allLabels(count).map((label) => {
        const row = (which: 0 | 1) => {
          const start = (2 * label + which) * count;
          return sums.slice(start, start + count).map((sum) => sum / total);
        };
        return { meanLogs: row(0), means: row(1) };
      }),
  };
}

function clamped(logs: tf.Tensor2D): tf.Tensor2D {
  return tf.maximum(logs, scalar(LOWEST_LOG));
}
