import { type Numbers, splitByLabel } from './labelled-scores.js';

/** How the scores of both labels spread, for plotting. */
export interface ScoreHistogram {
  /** `[bins + 1]`, ascending; a bin holds its lower edge, the last one its upper edge too. */
  readonly edges: readonly number[];
  /** `[bins]` images of label 0. */
  readonly normal: readonly number[];
  /** `[bins]` images of label 1. */
  readonly anomalous: readonly number[];
}

/**
 * Counts scores in equally wide bins from the lowest to the highest score; all scores equal gives a range around them.
 *
 * @param scores `[images]`, finite.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @throws AdctlError `undefined_metric`, see `splitByLabel`.
 * @throws RangeError when `bins` is not a positive integer.
 */
export function scoreHistogram(scores: Numbers, labels: Numbers, bins = 50): ScoreHistogram {
  if (!Number.isInteger(bins) || bins < 1) throw new RangeError(`bins must be a positive integer, got ${bins}`);
  const { normal, anomalous } = splitByLabel(scores, labels);
  const lowest = Math.min(normal[0] as number, anomalous[0] as number);
  const highest = Math.max(normal.at(-1) as number, anomalous.at(-1) as number);
  const flat = highest === lowest;
  const margin = flat ? Math.max(0.5, Math.abs(lowest) * 1e-6) : 0;
  const from = lowest - margin;
  const width = (highest + margin - from) / bins;
  const edges = Array.from({ length: bins + 1 }, (_, i) => (i === bins ? highest + margin : from + i * width));
  const counted = (sorted: Float64Array) => {
    const counts = new Array<number>(bins).fill(0);
    let bin = 0;
    for (const score of sorted) {
      while (bin < bins - 1 && score >= (edges[bin + 1] as number)) bin++;
      counts[bin] = (counts[bin] as number) + 1;
    }
    return counts;
  };
  return { edges, normal: counted(normal), anomalous: counted(anomalous) };
}
