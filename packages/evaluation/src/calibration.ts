import type { Calibration } from '@adctl/protocol';
import { type Numbers, undefinedMetric } from './labelled-scores.js';
import { mean, quantileOfSorted, standardDeviation } from './moments.js';

/** Shares of normal images that a calibrated threshold lets pass. Our decision: the alarm rates people ask for. */
export const CALIBRATION_SHARES = [0.5, 0.9, 0.95, 0.99, 0.995] as const;

/**
 * What held-out normal images say about the scores.
 *
 * @param scores `[images]` of the calibration split, normal images only, finite.
 * @returns mean, sample standard deviation (0 for a single image) and a threshold for each of `CALIBRATION_SHARES`.
 * @throws AdctlError `undefined_metric` when there is no score or one is not finite.
 */
export function calibrate(scores: Numbers): Calibration {
  if (scores.length === 0) throw undefinedMetric('there are no calibration images');
  const center = mean(scores);
  const sorted = Float64Array.from(scores).sort();
  return {
    images: sorted.length,
    mean: center,
    std: sorted.length < 2 ? 0 : standardDeviation(sorted),
    quantiles: Object.fromEntries(CALIBRATION_SHARES.map((share) => [String(share), quantileOfSorted(sorted, share)])),
  };
}
