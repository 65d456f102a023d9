import { describe, expect, test } from 'vitest';
import { areaThreshold, quantileThreshold, type ScoreMap, summarizeDistances } from './thresholds.js';

test('the 0.95 quantile of 1 to 100 is at index 95, which is 96', () => {
  const distances = Float64Array.from({ length: 100 }, (_, i) => 100 - i);

  expect(quantileThreshold(summarizeDistances(distances).sorted)).toBe(96);
  expect(quantileThreshold(Float64Array.of(3), 0.95)).toBe(3);
});

test('normalised held-out distances have mean 0 and standard deviation 1', () => {
  const distances = Float64Array.of(3, 4, 9, 1, 7);
  const { mean, deviation } = summarizeDistances(distances);
  const scores = distances.map((value) => (value - mean) / deviation);

  expect(scores.reduce((a, b) => a + b)).toBeCloseTo(0, 12);
  expect(scores.reduce((a, b) => a + b * b, 0) / 5).toBeCloseTo(1, 12);
  expect(summarizeDistances(Float64Array.of(2, 2)).deviation).toBeGreaterThan(0);
});

describe('the area rule', () => {
  /** Regions of a map at or above a threshold, by flood fill. */
  function largestRegion({ values, height, width }: ScoreMap, threshold: number): number {
    const seen = new Set<number>();
    let largest = 0;
    for (let start = 0; start < values.length; start++) {
      const open = [start];
      let size = 0;
      while (open.length > 0) {
        const pixel = open.pop()!;
        if (seen.has(pixel) || values[pixel]! < threshold) continue;
        seen.add(pixel);
        size++;
        const [y, x] = [Math.floor(pixel / width), pixel % width];
        for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
          for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) open.push(v * width + u);
        }
      }
      largest = Math.max(largest, size);
    }
    return largest;
  }

  const map: ScoreMap = {
    height: 9,
    width: 11,
    values: Float32Array.from({ length: 99 }, (_, i) => Math.sin(1.7 * i) * Math.cos(0.37 * i * i)),
  };

  test.each([1, 2, 5, 20])('is the lowest threshold that leaves no region of %i pixels', (area) => {
    const threshold = areaThreshold([map], area);
    const below = Math.max(...[...map.values].filter((value) => value < threshold));

    expect(largestRegion(map, threshold)).toBeLessThan(area);
    expect(largestRegion(map, below)).toBeGreaterThanOrEqual(area);
  });

  test('takes the highest over several maps, and joins diagonal pixels', () => {
    const diagonal: ScoreMap = { height: 2, width: 2, values: Float32Array.of(5, 0, 0, 5) };

    expect(areaThreshold([map, diagonal], 2)).toBeGreaterThan(5);
    expect(areaThreshold([diagonal], 2)).toBeCloseTo(5, 5);
    expect(areaThreshold([diagonal], 5)).toBe(Number.NEGATIVE_INFINITY);
  });
});
