import { type Numbers, splitByLabel, thresholdSteps } from './labelled-scores.js';

/**
 * The share of normal images called anomalous at the highest threshold that finds at least `tpr` of the anomalous ones
 * (no interpolation between thresholds).
 *
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @param tpr in (0, 1]; 0.95 gives FPR@95TPR.
 * @returns a number in [0, 1].
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 * @throws RangeError when `tpr` is outside (0, 1].
 */
export function fprAtTpr(scores: Numbers, labels: Numbers, tpr = 0.95): number {
  if (!(tpr > 0 && tpr <= 1)) throw new RangeError(`tpr must be in (0, 1], got ${tpr}`);
  const sorted = splitByLabel(scores, labels);
  // 0.95 * 20 is 19 anomalies, not the 19.000000000000004 that floating point may make of such products.
  const wanted = Math.ceil(tpr * sorted.anomalous.length - 1e-9);
  for (const { truePositives, falsePositives } of thresholdSteps(sorted)) {
    if (truePositives >= wanted) return falsePositives / sorted.normal.length;
  }
  return 1;
}
