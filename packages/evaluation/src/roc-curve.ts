import { type Numbers, splitByLabel, thresholdSteps } from './labelled-scores.js';

/** A point of a ROC curve. */
export interface RocPoint {
  /** False and true positive rate, in [0, 1]. */
  readonly fpr: number;
  readonly tpr: number;
  /** Scores at or above it are called anomalous; null at (0, 0), above every score. */
  readonly threshold: number | null;
}

/**
 * The ROC curve for plotting, from (0, 0) to (1, 1), both rates ascending. Points on a straight line between their
 * neighbours are left out; if more than `maxPoints` remain, points closer than `2 / maxPoints` (in fpr + tpr) to the
 * last kept one go too, so the drawing stays within that distance of the true curve.
 *
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @param maxPoints at least 2.
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 */
export function rocCurve(scores: Numbers, labels: Numbers, maxPoints = 400): RocPoint[] {
  if (!(maxPoints >= 2)) throw new RangeError(`maxPoints must be at least 2, got ${maxPoints}`);
  const sorted = splitByLabel(scores, labels);
  const corners: RocPoint[] = [{ fpr: 0, tpr: 0, threshold: null }];
  const counts: [number, number][] = [[0, 0]];
  for (const { threshold, truePositives, falsePositives } of thresholdSteps(sorted)) {
    const last = counts.at(-1) as [number, number];
    const before = counts.at(-2);
    const straight =
      before !== undefined &&
      (last[0] - before[0]) * (truePositives - last[1]) === (last[1] - before[1]) * (falsePositives - last[0]);
    if (straight) {
      counts.pop();
      corners.pop();
    }
    counts.push([falsePositives, truePositives]);
    const fpr = falsePositives / sorted.normal.length;
    corners.push({ fpr, tpr: truePositives / sorted.anomalous.length, threshold });
  }
  return corners.length <= maxPoints ? corners : thin(corners, maxPoints);
}

function thin(points: readonly RocPoint[], maxPoints: number): RocPoint[] {
  const kept: RocPoint[] = [];
  let next = 0;
  for (const point of points.slice(0, -1)) {
    const along = point.fpr + point.tpr;
    if (along < next) continue;
    kept.push(point);
    next = along + 2 / (maxPoints - 1);
  }
  return [...kept, points.at(-1) as RocPoint];
}
