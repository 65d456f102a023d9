import type { RandomGenerator } from '@adctl/random';
import type { Points } from './pca.js';

export interface KMeansOptions {
  /** Number of centres, at most the number of points. */
  readonly clusters: number;
  /** Starts, of which the one with the lowest inertia counts. */
  readonly restarts: number;
  /** Steps of each start at most; default 300. */
  readonly iterations?: number;
  /** A start ends when its inertia falls by less than this share; default 1e-4. */
  readonly tolerance?: number;
  readonly generator: RandomGenerator;
}

export interface KMeansResult {
  /** `[clusters, dimensions]` row-major. */
  readonly centres: Float64Array;
  /** Centre of each point. */
  readonly assignment: Int32Array;
  /** Sum of squared distances of the points to their centres. */
  readonly inertia: number;
  /** Inertia of the best start before its first step and after each. */
  readonly history: readonly number[];
}

/** k-means with k-means++ seeding and Lloyd's steps; of equal distances the smaller index counts. */
export function kMeans(points: Points, options: KMeansOptions): KMeansResult {
  let best: KMeansResult | null = null;
  for (let restart = 0; restart < options.restarts; restart++) {
    const result = lloyd(points, seedCentres(points, options), options);
    if (best === null || result.inertia < best.inertia) best = result;
  }
  return best!;
}

/** For each centre the nearest point, of equal ones the first: entries that are real patches. */
export function medoids(points: Points, centres: Float64Array): Float64Array {
  const { count, dimensions, values } = points;
  const result = new Float64Array(centres.length);
  for (let c = 0; c < centres.length / dimensions; c++) {
    let [nearest, smallest] = [0, Number.POSITIVE_INFINITY];
    for (let n = 0; n < count; n++) {
      const distance = squaredDistance(values, n, centres, c, dimensions);
      if (distance < smallest) [nearest, smallest] = [n, distance];
    }
    result.set(values.subarray(nearest * dimensions, (nearest + 1) * dimensions), c * dimensions);
  }
  return result;
}

function lloyd(
  points: Points,
  centres: Float64Array,
  { iterations = 300, tolerance = 1e-4 }: KMeansOptions,
): KMeansResult {
  let assigned = assign(points, centres);
  const history = [assigned.inertia];
  for (let step = 0; step < iterations; step++) {
    moveCentres(points, centres, assigned);
    const next = assign(points, centres);
    history.push(next.inertia);
    const isStill = next.assignment.every((centre, n) => centre === assigned.assignment[n]);
    const fell = assigned.inertia - next.inertia;
    const before = assigned.inertia;
    assigned = next;
    if (isStill || fell < tolerance * before) break;
  }
  return { centres, assignment: assigned.assignment, inertia: assigned.inertia, history };
}

interface Assigned {
  readonly assignment: Int32Array;
  /** Squared distance of each point to its centre. */
  readonly distances: Float64Array;
  readonly inertia: number;
}

function assign(points: Points, centres: Float64Array): Assigned {
  const { count, dimensions, values } = points;
  const clusters = centres.length / dimensions;
  const assignment = new Int32Array(count);
  const distances = new Float64Array(count);
  let inertia = 0;
  for (let n = 0; n < count; n++) {
    let [nearest, smallest] = [0, Number.POSITIVE_INFINITY];
    for (let c = 0; c < clusters; c++) {
      const distance = squaredDistance(values, n, centres, c, dimensions, smallest);
      if (distance < smallest) [nearest, smallest] = [c, distance];
    }
    assignment[n] = nearest;
    distances[n] = smallest;
    inertia += smallest;
  }
  return { assignment, distances, inertia };
}

/** Centres to the means of their points; one without points takes the point that is farthest from its centre. */
function moveCentres(
  { count, dimensions, values }: Points,
  centres: Float64Array,
  { assignment, distances }: Assigned,
): void {
  const sizes = new Int32Array(centres.length / dimensions);
  centres.fill(0);
  for (let n = 0; n < count; n++) {
    const c = assignment[n]!;
    sizes[c]!++;
    for (let d = 0; d < dimensions; d++) centres[c * dimensions + d]! += values[n * dimensions + d]!;
  }
  const left = distances.slice();
  for (const [c, size] of sizes.entries()) {
    if (size > 0) {
      for (let d = 0; d < dimensions; d++) centres[c * dimensions + d]! /= size;
      continue;
    }
    const farthest = left.reduce((best, distance, n) => (distance > left[best]! ? n : best), 0);
    left[farthest] = 0;
    centres.set(values.subarray(farthest * dimensions, (farthest + 1) * dimensions), c * dimensions);
  }
}

/** k-means++: each next centre is a point drawn with probability proportional to its squared distance to the nearest. */
function seedCentres(points: Points, { clusters, generator }: KMeansOptions): Float64Array {
  const { count, dimensions, values } = points;
  const centres = new Float64Array(clusters * dimensions);
  const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let chosen = generator.integer(count);
  for (let c = 0; c < clusters; c++) {
    centres.set(values.subarray(chosen * dimensions, (chosen + 1) * dimensions), c * dimensions);
    let total = 0;
    for (let n = 0; n < count; n++) {
      nearest[n] = Math.min(nearest[n]!, squaredDistance(values, n, centres, c, dimensions, nearest[n]!));
      total += nearest[n]!;
    }
    chosen = draw(nearest, total * generator.uniform());
  }
  return centres;
}

/** The first index at which the running sum of the weights passes the target; the last with weight at the end. */
function draw(weights: Float64Array, target: number): number {
  let [sum, last] = [0, 0];
  for (let n = 0; n < weights.length; n++) {
    if (weights[n] === 0) continue;
    sum += weights[n]!;
    last = n;
    if (sum > target) return n;
  }
  return last;
}

/** Squared distance of a row of one matrix to a row of another; stops early at a sum that cannot count any more. */
function squaredDistance(
  a: Float64Array,
  row: number,
  b: Float64Array,
  other: number,
  dimensions: number,
  limit = Number.POSITIVE_INFINITY,
): number {
  let sum = 0;
  for (let d = 0, i = row * dimensions, j = other * dimensions; d < dimensions; d++, i++, j++) {
    const difference = a[i]! - b[j]!;
    sum += difference * difference;
    if (sum >= limit) return sum;
  }
  return sum;
}
