import { describe, expect, test } from 'vitest';
import {
  calibrate,
  quantileOfSorted,
  standardDeviation,
  studentCritical,
  studentInterval,
  summarizeSeeds,
} from './index.js';

describe('Student t', () => {
  // Two-sided critical values as printed in statistical tables.
  test.each([
    [0.95, 1, 12.7062],
    [0.95, 2, 4.3027],
    [0.95, 3, 3.1824],
    [0.95, 4, 2.7764],
    [0.95, 9, 2.2622],
    [0.95, 30, 2.0423],
    [0.95, 120, 1.9799],
    [0.99, 2, 9.9248],
    [0.99, 10, 3.1693],
    [0.9, 5, 2.015],
    [0.5, 1, 1],
  ])('level %d with %d degrees of freedom is %d', (level, degrees, expected) => {
    expect(studentCritical(level, degrees)).toBeCloseTo(expected, 4);
  });

  test('with many degrees of freedom it is the normal value', () => {
    expect(studentCritical(0.95, 200_001)).toBeCloseTo(1.95997, 4);
  });

  test('an interval worked by hand: 1, 2, 3', () => {
    const { mean, std, lower, upper } = studentInterval([1, 2, 3]);

    expect([mean, std]).toEqual([2, 1]);
    expect(upper - 2).toBeCloseTo(4.3027 / Math.sqrt(3), 4);
    expect(2 - lower).toBeCloseTo(4.3027 / Math.sqrt(3), 4);
  });

  test.each([
    [1, 3],
    [0, 3],
    [0.95, 0],
    [0.95, 1.5],
  ])('refuses level %d with %d degrees', (level, degrees) => {
    expect(() => studentCritical(level, degrees)).toThrow(RangeError);
  });
});

describe('summary over seeds', () => {
  test('averages classes within a seed before it looks at the spread over seeds', () => {
    const summary = summarizeSeeds([
      [0.8, 1],
      [0.7, 0.9],
      [0.9, 1],
    ]);

    expect(summary?.mean).toBeCloseTo((0.9 + 0.8 + 0.95) / 3, 12);
    expect(summary?.std).toBeCloseTo(standardDeviation([0.9, 0.8, 0.95]), 12);
    expect(summary?.interval?.[0]).toBeLessThan(summary?.mean ?? 0);
  });

  test('has no spread below three seeds and is nothing without seeds', () => {
    expect(summarizeSeeds([[0.8], [0.9]])).toMatchObject({ std: null, interval: null, seeds: 2 });
    expect(summarizeSeeds([])).toBeNull();
  });
});

describe('calibration', () => {
  test('of 0, 1, …, 100', () => {
    const calibration = calibrate(Array.from({ length: 101 }, (_, i) => 100 - i));

    expect(calibration).toMatchObject({ images: 101, mean: 50 });
    expect(calibration.std).toBeCloseTo(29.3002, 4);
    expect(calibration.quantiles['0.95']).toBeCloseTo(95, 10);
    expect(calibration.quantiles['0.5']).toBe(50);
  });

  test('of one image has no spread, of none or a NaN is an error', () => {
    expect(calibrate([3])).toMatchObject({ std: 0, mean: 3 });
    expect(() => calibrate([])).toThrow(expect.objectContaining({ code: 'undefined_metric' }));
    expect(() => calibrate([1, Number.NaN])).toThrow(expect.objectContaining({ code: 'undefined_metric' }));
  });

  test('quantiles interpolate between neighbours', () => {
    expect(quantileOfSorted([0, 10], 0.25)).toBe(2.5);
    expect(quantileOfSorted([7], 0.9)).toBe(7);
    expect(() => quantileOfSorted([1], 1.5)).toThrow(RangeError);
  });
});
