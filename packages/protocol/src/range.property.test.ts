import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Range, rangeProblem, rangeSize, rangeValue } from './index.js';

const bounds = fc
  .tuple(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.double({ min: 1e-6, max: 1e6, noNaN: true }))
  .filter(([from, to]) => from * 1.01 < to);
const counted: fc.Arbitrary<Range> = fc
  .record({
    bounds,
    count: fc.integer({ min: 2, max: 40 }),
    scale: fc.constantFrom('linear' as const, 'log' as const),
  })
  .map(({ bounds: [from, to], count, scale }) => ({ from, to, count, scale }));

describe('range', () => {
  test('its values rise from one bound to the other, both exact', () => {
    fc.assert(
      fc.property(counted, (range) => {
        const values = Array.from({ length: rangeSize(range) }, (_, i) => rangeValue(range, i));

        expect(rangeProblem(range, true)).toBeUndefined();
        expect(values).toHaveLength(range.count as number);
        expect([values[0], values.at(-1)]).toEqual([range.from, range.to]);
        expect(values.every((value, i) => i === 0 || value > (values[i - 1] as number))).toBe(true);
      }),
    );
  });

  test('a linear scale has equal differences and a log scale equal ratios', () => {
    fc.assert(
      fc.property(counted, (range) => {
        const values = Array.from({ length: rangeSize(range) }, (_, i) => rangeValue(range, i));
        const steps = values.slice(1).map((value, i) => {
          const before = values[i] as number;
          return range.scale === 'log' ? Math.log(value / before) : value - before;
        });
        const mean = steps.reduce((a, b) => a + b) / steps.length;

        for (const step of steps) expect(Math.abs(step - mean)).toBeLessThan(1e-6 * Math.max(1, range.to));
      }),
    );
  });

  test('any decimal step that fits is accepted and gives the values people would write', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 1, max: 200 }),
        (start, hundredths, steps) => {
          const write = (n: number) => Number((n / 100).toFixed(2));
          const range: Range = { from: write(start), to: write(start + hundredths * steps), step: write(hundredths) };

          expect(rangeProblem(range, true)).toBeUndefined();
          const values = Array.from({ length: rangeSize(range) }, (_, i) => rangeValue(range, i));
          expect(values).toEqual(Array.from({ length: steps + 1 }, (_, i) => write(start + hundredths * i)));
        },
      ),
    );
  });

  test.each<[string, Range, boolean, string | undefined]>([
    ['crossed bounds', { from: 1, to: 0, count: 2 }, true, 'to'],
    ['a logarithm of zero', { from: 0, to: 1, count: 2, scale: 'log' }, true, 'from'],
    ['step and count', { from: 0, to: 1, count: 2, step: 1 }, true, 'count'],
    ['a step on a log scale', { from: 1, to: 2, step: 1, scale: 'log' }, true, 'step'],
    ['a step that does not fit', { from: 0, to: 1, step: 0.3 }, true, 'step'],
    ['a step longer than the way', { from: 0, to: 1, step: 2 }, true, 'step'],
    ['half steps between whole numbers', { from: 0, to: 2, step: 0.5, integer: true }, true, 'step'],
    ['more whole numbers than there are', { from: 0, to: 2, count: 4, integer: true }, true, 'count'],
    ['a fraction as bound of whole numbers', { from: 0.5, to: 2, integer: true }, true, undefined],
    ['a grid without an end', { from: 0, to: 1 }, true, undefined],
  ])('%s is a problem', (_, range, grid, key) => {
    expect(rangeProblem(range, grid)).toMatchObject({ message: expect.any(String), suggestion: expect.any(String) });
    expect(rangeProblem(range, grid)?.key).toBe(key);
  });

  test('a random search needs neither step nor count', () => {
    expect(rangeProblem({ from: 0, to: 1 }, false)).toBeUndefined();
  });
});
