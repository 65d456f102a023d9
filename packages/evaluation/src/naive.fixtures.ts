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

export interface Mapped {
  readonly maps: readonly number[];
  readonly masks: readonly number[];
  readonly height: number;
  readonly width: number;
}

/** 8-connected regions by flood fill: lists of pixel positions. */
export function naiveRegions({ masks, height, width }: Omit<Mapped, 'maps'>): number[][] {
  const seen = new Set<number>();
  const regions: number[][] = [];
  for (const [start, value] of masks.entries()) {
    if (value === 0 || seen.has(start)) continue;
    const region: number[] = [];
    const open = [start];
    seen.add(start);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      region.push(at);
      for (const down of [-1, 0, 1]) {
        for (const right of [-1, 0, 1]) {
          const row = Math.floor((at % (height * width)) / width) + down;
          const column = (at % width) + right;
          const next = at + down * width + right;
          const inside = row >= 0 && row < height && column >= 0 && column < width;
          if (!inside || masks[next] === 0 || seen.has(next)) continue;
          seen.add(next);
          open.push(next);
        }
      }
    }
    regions.push(region);
  }
  return regions;
}

/** PRO up to a limit, every threshold by itself, straight from the definition. */
export function naivePro(data: Mapped, limit: number): number {
  const { maps, masks } = data;
  const regions = naiveRegions(data);
  const normals = maps.filter((_, i) => masks[i] === 0);
  const thresholds = [...new Set(maps.map((value) => value + 0))].sort((a, b) => b - a);
  const curve = [...thresholds, Number.NEGATIVE_INFINITY].map((threshold) => ({
    fpr: normals.filter((value) => value > threshold).length / normals.length,
    pro:
      regions
        .map((region) => region.filter((at) => (maps[at] as number) > threshold).length / region.length)
        .reduce((sum, share) => sum + share, 0) / regions.length,
  }));
  let area = 0;
  for (let i = 1; i < curve.length; i++) {
    const [from, to] = [curve[i - 1], curve[i]] as [(typeof curve)[number], (typeof curve)[number]];
    if (from.fpr >= limit || from.fpr === to.fpr) continue;
    const end = Math.min(to.fpr, limit);
    const pro = from.pro + ((to.pro - from.pro) * (end - from.fpr)) / (to.fpr - from.fpr);
    area += ((end - from.fpr) * (from.pro + pro)) / 2;
  }
  return area / limit;
}
