import type { TestMetrics } from '@adctl/protocol';
import { auroc } from './auroc.js';
import { averagePrecision } from './average-precision.js';
import { bootstrapAuroc } from './bootstrap.js';
import { f1Max } from './f1-max.js';
import { fprAtTpr } from './fpr-at-tpr.js';
import { type Numbers, splitByLabel } from './labelled-scores.js';

/**
 * Every image-level test metric of a trial.
 *
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @param seed of the bootstrap; the trial's seed.
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 */
export function computeTestMetrics(scores: Numbers, labels: Numbers, seed: number): TestMetrics {
  const { normal, anomalous } = splitByLabel(scores, labels);
  const { f1, threshold } = f1Max(scores, labels);
  return {
    auroc: auroc(scores, labels),
    averagePrecision: averagePrecision(scores, labels),
    f1Max: f1,
    f1MaxThreshold: threshold,
    fprAt95Tpr: fprAtTpr(scores, labels, 0.95),
    aurocImageInterval: bootstrapAuroc(scores, labels, { seed }),
    normalImages: normal.length,
    anomalousImages: anomalous.length,
  };
}
