/** Second implementations, written from the definitions and slow on purpose. */

export interface Labelled {
  readonly scores: readonly number[];
  readonly labels: readonly number[];
}

const of = ({ scores, labels }: Labelled, label: number) => scores.filter((_, i) => labels[i] === label);

/** Every (normal, anomalous) pair. */
export function naiveAuroc(data: Labelled): number {
  const normal = of(data, 0);
  const anomalous = of(data, 1);
  let sum = 0;
  for (const a of anomalous) for (const n of normal) sum += a > n ? 1 : a === n ? 0.5 : 0;
  return sum / (normal.length * anomalous.length);
}

/** Confusion counts at every distinct score, from the highest. */
function confusions(data: Labelled) {
  const thresholds = [...new Set(data.scores.map((score) => score + 0))].sort((a, b) => b - a);
  return thresholds.map((threshold) => ({
    threshold,
    tp: of(data, 1).filter((score) => score >= threshold).length,
    fp: of(data, 0).filter((score) => score >= threshold).length,
    positives: of(data, 1).length,
    negatives: of(data, 0).length,
  }));
}

export function naiveAveragePrecision(data: Labelled): number {
  let recall = 0;
  let sum = 0;
  for (const { tp, fp, positives } of confusions(data)) {
    sum += (tp / positives - recall) * (tp / (tp + fp));
    recall = tp / positives;
  }
  return sum;
}

export function naiveF1Max(data: Labelled): number {
  const f1 = confusions(data).map(({ tp, fp, positives }) => {
    const precision = tp / (tp + fp);
    const recall = tp / positives;
    return tp === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  });
  return Math.max(...f1);
}

/** Shares compared as fractions of integers, so that 19 of 20 is 95 %. */
export function naiveFprAtTpr(data: Labelled, percent: number): number {
  const rates = confusions(data)
    .filter(({ tp, positives }) => tp * 100 >= percent * positives)
    .map(({ fp, negatives }) => fp / negatives);
  return Math.min(...rates);
}
