import { expect, it } from 'vitest';
import { bytes, count, duration, metric, plainValue } from './values.js';

it.each([
  [0.4, '0 s'],
  [59.6, '1 min'],
  [200, '3 min 20 s'],
  [7500, '2 h 5 min'],
  [3600, '1 h'],
  [100_800, '1 d 4 h'],
])('duration(%d) is %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it.each([
  [999, '999 B'],
  [9_900_000, '9.9 MB'],
  [1000, '1.0 kB'],
])('bytes(%d) is %s', (value, text) => {
  expect(bytes(value)).toBe(text);
});

it('writes values as people read them', () => {
  expect(metric(0.93141)).toBe('0.9314');
  expect(metric(null)).toBe('-');
  expect(count(3_264_844)).toBe('3,264,844');
  expect(plainValue('clip')).toBe('clip');
  expect(plainValue([1, 2])).toBe('[1,2]');
});
