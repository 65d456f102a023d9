import { createGenerator } from '@adctl/random';
import { describe, expect, test } from 'vitest';
import { kMeans, medoids } from './k-means.js';
import type { Points } from './pca.js';

const CENTRES = [
  [0, 0],
  [10, 0],
  [0, 10],
] as const;

/** Three blobs of 30 points. */
function blobs(): Points {
  const generator = createGenerator(2, 'blobs');
  const rows = Array.from({ length: 90 }, (_, i) => CENTRES[i % 3]!.map((value) => value + 0.5 * generator.normal()));
  return { count: 90, dimensions: 2, values: Float64Array.from(rows.flat()) };
}

const run = (points: Points, clusters: number, seed = 1, restarts = 10) =>
  kMeans(points, { clusters, restarts, generator: createGenerator(seed, 'test') });

describe('k-means', () => {
  test('finds three separate blobs whatever the seed', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { centres } = run(blobs(), 3, seed, 1);
      const found = [0, 1, 2].map((c) =>
        [...centres.subarray(2 * c, 2 * c + 2)].map((value) => 10 * Math.round(value / 10)),
      );

      expect(found.map(String).sort()).toEqual(CENTRES.map(String).sort());
    }
  });

  test('never gets worse from one step to the next', () => {
    for (let seed = 0; seed < 10; seed++) {
      const { history } = run(blobs(), 7, seed, 1);
      expect(history.length).toBeGreaterThan(1);
      for (const [i, value] of history.entries()) if (i > 0) expect(value).toBeLessThanOrEqual(history[i - 1]! + 1e-9);
    }
  });

  test('has as many centres as points without any error, and repeats with its seed', () => {
    expect(run(blobs(), 90, 1, 1).inertia).toBe(0);
    expect(run(blobs(), 5).centres).toEqual(run(blobs(), 5).centres);
    expect(run(blobs(), 5, 1, 1).centres).not.toEqual(run(blobs(), 5, 2, 1).centres);
  });

  test('reaches the same inertia for points in another order', () => {
    const { count, dimensions, values } = blobs();
    const order = Array.from({ length: count }, (_, i) => (i * 37) % count);
    const shuffled = Float64Array.from(order.flatMap((i) => [...values.subarray(2 * i, 2 * i + 2)]));

    expect(run({ count, dimensions, values: shuffled }, 3).inertia).toBeCloseTo(run(blobs(), 3).inertia, 8);
  });

  test('gives an empty cluster the farthest point: equal points cannot keep one', () => {
    const values = Float64Array.of(0, 0, 0, 0, 9);
    const { centres, inertia } = run({ count: 5, dimensions: 1, values }, 2);

    expect([...centres].sort()).toEqual([0, 9]);
    expect(inertia).toBe(0);
    expect(run({ count: 3, dimensions: 1, values: Float64Array.of(4, 4, 4) }, 2).inertia).toBe(0);
  });

  test('of equally near centres the smaller index counts, and medoids are real points', () => {
    const values = Float64Array.of(0, 2, 1);
    const points = { count: 3, dimensions: 1, values };
    const { assignment } = run(points, 3);

    expect(new Set(assignment).size).toBe(3);
    expect([...medoids(points, Float64Array.of(1.4, 100))]).toEqual([1, 2]);
    expect([...medoids(points, Float64Array.of(0.5))]).toEqual([0]);
  });
});
