import { type LabelledScores, type Numbers, splitByLabel } from './labelled-scores.js';

/**
 * Area under the ROC curve: the chance that an anomalous image scores above a normal one, equal scores counting half
 * (mid-ranks). Unchanged by any strictly increasing map of the scores; 1 - x when the labels flip.
 *
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @returns a number in [0, 1], exact up to one division.
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 */
export function auroc(scores: Numbers, labels: Numbers): number {
  return aurocOfSorted(splitByLabel(scores, labels));
}

/** The same over scores already cut apart and sorted ascending. */
export function aurocOfSorted({ normal, anomalous }: LabelledScores): number {
  let below = 0;
  let atMost = 0;
  let halves = 0;
  for (const score of anomalous) {
    while (below < normal.length && (normal[below] as number) < score) below++;
    if (atMost < below) atMost = below;
    while (atMost < normal.length && (normal[atMost] as number) <= score) atMost++;
    halves += below + atMost;
  }
  return halves / 2 / (normal.length * anomalous.length);
}
