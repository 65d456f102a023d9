/** Mean, standard deviation and the sorted list of held-out distances. */
export interface DistanceStatistics {
  readonly mean: number;
  /** Divisor n: over these distances, scores have mean 0 and standard deviation 1. */
  readonly deviation: number;
  /** Ascending. */
  readonly sorted: Float64Array;
}

/** Statistics of the window distances of held-out normal images. */
export function summarizeDistances(distances: Float64Array): DistanceStatistics {
  const mean = distances.reduce((sum, value) => sum + value, 0) / distances.length;
  const variance = distances.reduce((sum, value) => sum + (value - mean) ** 2, 0) / distances.length;
  return { mean, deviation: Math.max(Math.sqrt(variance), 1e-12), sorted: distances.slice().sort() };
}

/** Rule (a): one-sided 95 % of a normal distribution, in normalised scores. */
export const Z_THRESHOLD = 1.645;

/** Rule (b): the empirical quantile of held-out distances, `sorted[min(floor(q n), n - 1)]`. */
export function quantileThreshold(sorted: Float64Array, quantile = 0.95): number {
  return sorted[Math.min(Math.floor(quantile * sorted.length), sorted.length - 1)]!;
}

/** One map, row-major. */
export interface ScoreMap {
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Rule (c), of the MVTec protocol: the lowest threshold at which no connected region (8 neighbours) of a defect-free map
 * lies at or above it over `minimumArea` pixels or more.
 * @param minimumArea in pixels, at least 1.
 */
export function areaThreshold(maps: readonly ScoreMap[], minimumArea: number): number {
  return maps.reduce((highest, map) => Math.max(highest, areaThresholdOf(map, minimumArea)), Number.NEGATIVE_INFINITY);
}

/**
 * Pixels enter from the highest down, joining the regions beside them; the value at which a region first reaches the
 * area is too low, so the threshold is the next float above it.
 */
function areaThresholdOf({ values, height, width }: ScoreMap, minimumArea: number): number {
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
  const parent = new Int32Array(values.length).fill(-1);
  const size = new Int32Array(values.length);
  const root = (pixel: number): number => {
    let current = pixel;
    while (parent[current] !== current) {
      parent[current] = parent[parent[current]!]!;
      current = parent[current]!;
    }
    return current;
  };
  for (const pixel of order) {
    parent[pixel] = pixel;
    size[pixel] = 1;
    for (const other of neighboursOf(pixel, height, width)) {
      if (parent[other] === -1) continue;
      const [a, b] = [root(pixel), root(other)];
      if (a === b) continue;
      parent[a] = b;
      size[b]! += size[a]!;
    }
    if (size[root(pixel)]! >= minimumArea) return nextFloat(values[pixel]!);
  }
  return Number.NEGATIVE_INFINITY;
}

function neighboursOf(pixel: number, height: number, width: number): number[] {
  const [y, x] = [Math.floor(pixel / width), pixel % width];
  const result: number[] = [];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      if (row !== y || column !== x) result.push(row * width + column);
    }
  }
  return result;
}

/** The smallest float32 above a value. */
function nextFloat(value: number): number {
  const single = Math.fround(value);
  if (single === 0) return 2 ** -149;
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, single);
  bits.setInt32(0, bits.getInt32(0) + (single > 0 ? 1 : -1));
  return bits.getFloat32(0);
}
