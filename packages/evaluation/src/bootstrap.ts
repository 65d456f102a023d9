import { createGenerator } from '@adctl/random';
import { type Numbers, splitByLabel } from './labelled-scores.js';
import { quantileOfSorted } from './moments.js';

export interface BootstrapOptions {
  /** Equal seeds give equal intervals. */
  readonly seed: number;
  /** Default 2000. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly level?: number;
}

/**
 * Percentile bootstrap interval of AUROC over test images: how much the number of one model depends on which images
 * were in the test set. Not a spread over seeds. Stratified: normal and anomalous images are resampled apart.
 *
 * Scores are ranked once; a resample only counts how often each rank was drawn, so it costs one pass instead of a sort.
 *
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @returns lower and upper end, in [0, 1].
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 */
export function bootstrapAuroc(scores: Numbers, labels: Numbers, options: BootstrapOptions): [number, number] {
  const { seed, resamples = 2000, level = 0.95 } = options;
  if (!Number.isInteger(resamples) || resamples < 1)
    throw new RangeError(`resamples must be at least 1, got ${resamples}`);
  if (!(level > 0 && level < 1)) throw new RangeError(`level must be in (0, 1), got ${level}`);
  const { normal, anomalous } = splitByLabel(scores, labels);
  const { ranksOfNormal, ranksOfAnomalous, ranks } = rankTogether(normal, anomalous);
  const generator = createGenerator(seed, 'bootstrap', 'auroc');
  const drawn = (from: Int32Array, counts: Int32Array) => {
    counts.fill(0);
    for (let i = 0; i < from.length; i++) {
      const rank = from[generator.integer(from.length)] as number;
      counts[rank] = (counts[rank] as number) + 1;
    }
  };

  const normalCounts = new Int32Array(ranks);
  const anomalousCounts = new Int32Array(ranks);
  const values = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    drawn(ranksOfNormal, normalCounts);
    drawn(ranksOfAnomalous, anomalousCounts);
    let below = 0;
    let halves = 0;
    for (let rank = 0; rank < ranks; rank++) {
      const here = normalCounts[rank] as number;
      halves += (anomalousCounts[rank] as number) * (2 * below + here);
      below += here;
    }
    values[r] = halves / 2 / (normal.length * anomalous.length);
  }
  values.sort();
  return [quantileOfSorted(values, (1 - level) / 2), quantileOfSorted(values, (1 + level) / 2)];
}

/** Dense ranks (equal scores share one) over both sorted lists. */
function rankTogether(normal: Float64Array, anomalous: Float64Array) {
  const ranksOfNormal = new Int32Array(normal.length);
  const ranksOfAnomalous = new Int32Array(anomalous.length);
  let ranks = 0;
  let n = 0;
  let a = 0;
  while (n < normal.length || a < anomalous.length) {
    const score = Math.min(normal[n] ?? Number.POSITIVE_INFINITY, anomalous[a] ?? Number.POSITIVE_INFINITY);
    while (n < normal.length && normal[n] === score) ranksOfNormal[n++] = ranks;
    while (a < anomalous.length && anomalous[a] === score) ranksOfAnomalous[a++] = ranks;
    ranks++;
  }
  return { ranksOfNormal, ranksOfAnomalous, ranks };
}
