import { type Numbers, splitByLabel, thresholdSteps } from './labelled-scores.js';

/**
 * Average precision: the precision at each distinct threshold, weighted by the recall it adds (a step sum, no
 * interpolation; images of one score enter together).
 *
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous (the positive class).
 * @returns a number in (0, 1].
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 */
export function averagePrecision(scores: Numbers, labels: Numbers): number {
  const sorted = splitByLabel(scores, labels);
  let sum = 0;
  let found = 0;
  for (const { truePositives, falsePositives } of thresholdSteps(sorted)) {
    sum += (truePositives - found) * (truePositives / (truePositives + falsePositives));
    found = truePositives;
  }
  return sum / sorted.anomalous.length;
}
