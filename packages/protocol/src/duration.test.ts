import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Duration, fromMilliseconds, toMilliseconds } from './index.js';

describe('duration', () => {
  test.each([
    ['2h', 7_200_000],
    ['90s', 90_000],
    ['1d12h', 129_600_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['0h5m', 300_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(toMilliseconds(text)).toBe(milliseconds);
  });

  test.each(['', '0s', '2', 'h', '1.5h', '-1h', '2h ', '30s1m', '1h1h', '2 h', '1w', '9999999s'])(
    'refuses %j',
    (text) => {
      expect(Duration.safeParse(text).success).toBe(false);
      expect(() => toMilliseconds(text)).toThrow(RangeError);
    },
  );

  test('writing and reading is the identity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400_000 * 999_999 }), (milliseconds) => {
        const text = fromMilliseconds(milliseconds);

        expect(Duration.safeParse(text).success).toBe(true);
        expect(toMilliseconds(text)).toBe(milliseconds);
      }),
    );
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses to write %d ms', (milliseconds) => {
    expect(() => fromMilliseconds(milliseconds)).toThrow(RangeError);
  });
});
