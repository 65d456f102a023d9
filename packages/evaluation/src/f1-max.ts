import { type Numbers, splitByLabel, thresholdSteps } from './labelled-scores.js';

/** The largest F1 over all thresholds. Found on the labels it is judged by: it tells separability, not a usable threshold. */
export interface F1Max {
  /** In (0, 1]. */
  readonly f1: number;
  /** A score is anomalous at or above it; the highest one where several are equally good. */
  readonly threshold: number;
}

/**
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 */
export function f1Max(scores: Numbers, labels: Numbers): F1Max {
  const sorted = splitByLabel(scores, labels);
  let best: F1Max = { f1: 0, threshold: Number.POSITIVE_INFINITY };
  for (const { threshold, truePositives, falsePositives } of thresholdSteps(sorted)) {
    const f1 = (2 * truePositives) / (truePositives + falsePositives + sorted.anomalous.length);
    if (f1 > best.f1) best = { f1, threshold };
  }
  return best;
}
