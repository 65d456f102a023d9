import { describe, expect, test } from 'vitest';
import { digamma, invDigamma, trigamma } from './gamma-functions.js';

const relative = (actual: number, expected: number) => Math.abs(actual - expected) / Math.abs(expected);

describe('gamma functions', () => {
  test.each([
    [0.01, -100.5608854579],
    [0.5, -1.963510026],
    [1, -0.5772156649],
    [10, 2.251752589],
    [100, 4.600161853],
  ])('digamma(%d)', (x, expected) => {
    expect(relative(digamma(x), expected)).toBeLessThan(1e-9);
  });

  test.each([
    [0.01, 10001.62121353],
    [0.5, 4.934802201],
    [1, 1.644934067],
    [10, 0.1051663357],
  ])('trigamma(%d)', (x, expected) => {
    expect(relative(trigamma(x), expected)).toBeLessThan(1e-9);
  });

  test.each([
    [-1000, 0.001000575902],
    [-10, 0.10435719877],
    [-2.22, 0.452298496511],
    [0, 1.46163214497],
    [5, 148.912878356],
  ])('invDigamma(%d)', (y, expected) => {
    expect(relative(invDigamma(y), expected)).toBeLessThan(1e-9);
  });

  test('recurrence, derivative and inverse hold over five decades', () => {
    for (let exponent = -3; exponent <= 2; exponent += 0.1) {
      const x = 10 ** exponent;
      const h = 1e-5 * x;

      expect(Math.abs(digamma(x + 1) - digamma(x) - 1 / x)).toBeLessThan(1e-12 * Math.max(1, 1 / x));
      expect(relative((digamma(x + h) - digamma(x - h)) / (2 * h), trigamma(x))).toBeLessThan(1e-6);
      expect(relative(invDigamma(digamma(x)), x)).toBeLessThan(1e-9);
    }
  });
});
