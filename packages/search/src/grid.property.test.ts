import type { HyperparameterValue, MethodSpace, PartialPoint } from '@adctl/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createGrid, type Point, type SearchSpace, toMethodSpace } from './index.js';

const pointsOf = (method: MethodSpace): Point[] => {
  const grid = createGrid(method);
  return Array.from({ length: grid.size }, (_, i) => grid.at(i));
};

const has = (value: HyperparameterValue | undefined, wanted: PartialPoint[string]) =>
  value !== undefined && (Array.isArray(wanted) ? wanted.includes(value) : value === wanted);

/** Every combination written out, absent names dropped, repeats removed, excluded ones filtered: the meaning of a grid. */
function naiveGrid({ space, exclude }: MethodSpace): Point[] {
  const names = Object.keys(space);
  let full: Record<string, HyperparameterValue>[] = [{}];
  for (const name of names) {
    const distribution = space[name] as { values: readonly HyperparameterValue[] };
    full = full.flatMap((point) => distribution.values.map((value) => ({ ...point, [name]: value })));
  }
  const seen = new Map<string, Point>();
  for (const point of full) {
    const present: Record<string, HyperparameterValue> = { ...point };
    // Absence spreads: drop until nothing changes.
    for (let changed = true; changed; ) {
      changed = false;
      for (const name of Object.keys(present)) {
        const when = space[name]?.when ?? {};
        if (Object.entries(when).every(([other, wanted]) => has(present[other], wanted))) continue;
        delete present[name];
        changed = true;
      }
    }
    if (exclude.some((rule) => Object.entries(rule).every(([name, wanted]) => has(present[name], wanted)))) continue;
    seen.set(JSON.stringify(Object.entries(present).sort()), present);
  }
  return [...seen.values()];
}

/** Spaces over a..d with 1 to 3 values each, conditions on earlier letters, and up to three exclude rules. */
const letters = ['a', 'b', 'c', 'd'] as const;
const wanted = fc.oneof(fc.nat(2), fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 2 }));
const partial = fc.dictionary(fc.constantFrom(...letters), wanted, { minKeys: 1, maxKeys: 3 });
const spaces: fc.Arbitrary<MethodSpace> = fc
  .record({
    sizes: fc.tuple(...letters.map(() => fc.integer({ min: 1, max: 3 }))),
    whens: fc.tuple(...letters.map(() => fc.option(partial, { nil: undefined }))),
    exclude: fc.array(partial, { maxLength: 3 }),
    order: fc.shuffledSubarray([...letters], { minLength: 4 }),
  })
  .map(({ sizes, whens, exclude, order }) => {
    const space: Record<string, SearchSpace[string]> = {};
    for (const name of order) {
      const i = letters.indexOf(name);
      const earlier = Object.entries(whens[i] ?? {}).filter(([other]) => other < name);
      const when = earlier.length > 0 ? Object.fromEntries(earlier) : undefined;
      space[name] = { values: Array.from({ length: sizes[i] as number }, (_, v) => v), ...(when && { when }) };
    }
    return { space, zip: [], exclude };
  });

describe('grid', () => {
  test('holds exactly the points of the written-out product, each once', () => {
    fc.assert(
      fc.property(spaces, (method) => {
        const expected = naiveGrid(method);
        const sorted = (points: readonly Point[]) => points.map((p) => JSON.stringify(Object.entries(p).sort())).sort();

        if (expected.length === 0) {
          expect(() => createGrid(method)).toThrow(expect.objectContaining({ code: 'empty_search_space' }));
        } else {
          expect(sorted(pointsOf(method))).toEqual(sorted(expected));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('the last hyperparameter varies fastest', () => {
    const points = pointsOf(toMethodSpace({ a: { values: [1, 2] }, b: { values: ['x', 'y'] } }));

    expect(points).toEqual([
      { a: 1, b: 'x' },
      { a: 1, b: 'y' },
      { a: 2, b: 'x' },
      { a: 2, b: 'y' },
    ]);
  });

  test('an empty space is one empty point', () => {
    expect(pointsOf(toMethodSpace({}))).toEqual([{}]);
  });

  test('ranges: steps, counts, logarithms and whole numbers', () => {
    const values = (range: Record<string, unknown>) =>
      pointsOf(toMethodSpace({ a: { range: range as never } })).map(({ a }) => a);

    expect(values({ from: 0.1, to: 0.5, step: 0.1 })).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(values({ from: 0, to: 1, count: 3 })).toEqual([0, 0.5, 1]);
    expect(values({ from: 0.0001, to: 1, count: 5, scale: 'log' })).toEqual([0.0001, 0.001, 0.01, 0.1, 1]);
    expect(values({ from: 2, to: 5, integer: true })).toEqual([2, 3, 4, 5]);
    expect(values({ from: 16, to: 256, count: 5, scale: 'log', integer: true })).toEqual([16, 32, 64, 128, 256]);
  });

  test('zipped hyperparameters move together, across groups too', () => {
    const points = pointsOf({
      space: {
        size: { values: [16, 32] },
        optimizer: { group: { beta1: { values: [0, 0.5] }, beta2: { values: [0.9, 0.99] } } },
        rate: { values: [1, 2] },
      },
      zip: [['size', 'optimizer.beta1', 'rate']],
      exclude: [],
    });

    expect(points).toEqual([
      { size: 16, optimizer: { beta1: 0, beta2: 0.9 }, rate: 1 },
      { size: 16, optimizer: { beta1: 0, beta2: 0.99 }, rate: 1 },
      { size: 32, optimizer: { beta1: 0.5, beta2: 0.9 }, rate: 2 },
      { size: 32, optimizer: { beta1: 0.5, beta2: 0.99 }, rate: 2 },
    ]);
  });

  test('a group whose when does not hold is absent with all its members, whatever the order written', () => {
    const points = pointsOf(
      toMethodSpace({
        noise: { group: { level: { values: [0.1, 0.2] } }, when: { kind: ['gauss'] } },
        kind: { values: ['none', 'gauss'] },
      }),
    );

    expect(points).toEqual([
      { kind: 'none' },
      { kind: 'gauss', noise: { level: 0.1 } },
      { kind: 'gauss', noise: { level: 0.2 } },
    ]);
  });

  test('a value that is a list is excluded by a list of lists', () => {
    const space: SearchSpace = { channels: { values: [[32, 64], [32]] } };

    expect(pointsOf({ space, zip: [], exclude: [{ channels: [[32, 64]] }] })).toEqual([{ channels: [32] }]);
  });

  test('counts ten million points with rules exactly and reaches both ends', () => {
    const ten = { values: Array.from({ length: 10 }, (_, i) => i) };
    const space: SearchSpace = { a: ten, b: ten, c: ten, d: ten, e: ten, f: ten, g: { ...ten, when: { a: [0, 1] } } };

    const grid = createGrid({
      space,
      zip: [],
      exclude: [
        { a: 0, g: 3 },
        { b: 1, f: [2, 3] },
      ],
    });

    // a = 0: 9 values of g are left, a = 1: 10, else g is absent; of b x f, 2 of 100 pairs are gone.
    expect(grid.size).toBe((9 + 10 + 8) * 98 * 1000);
    expect(grid.at(0)).toEqual({ a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0 });
    expect(grid.at(grid.size - 1)).toEqual({ a: 9, b: 9, c: 9, d: 9, e: 9, f: 9 });
  });

  test('many rules over many hyperparameters stay countable, because what is past is forgotten', () => {
    const names = Array.from({ length: 20 }, (_, i) => `h${i}`);
    const space = Object.fromEntries(names.map((name) => [name, { values: [0, 1] }]));
    const exclude = names.slice(1).map((name, i) => ({ [`h${i}`]: 1, [name]: 1 }));

    // Bit strings of length 20 without two ones in a row: a Fibonacci number.
    expect(createGrid({ space, zip: [], exclude }).size).toBe(17_711);
  });

  test('rules too entangled to count are refused instead of taking for ever', () => {
    const names = Array.from({ length: 40 }, (_, i) => `h${i}`);
    const space = Object.fromEntries(names.map((name) => [name, { values: [0, 1] }]));
    const exclude = names.slice(0, 20).map((name, i) => ({ [name]: 1, [`h${39 - i}`]: 1 }));

    expect(() => createGrid({ space, zip: [], exclude })).toThrow(
      expect.objectContaining({ code: 'search_space_too_large' }),
    );
  });

  test('a single range of ten million whole numbers skips the excluded ones', () => {
    const space: SearchSpace = { a: { range: { from: 1, to: 10_000_000, integer: true } } };

    const grid = createGrid({ space, zip: [], exclude: [{ a: [5, 7] }] });

    expect(grid.size).toBe(9_999_998);
    expect([3, 4, 5, 6, grid.size - 1].map((i) => grid.at(i).a)).toEqual([4, 6, 8, 9, 10_000_000]);
  });

  test('more points than can be counted exactly are refused', () => {
    const huge = { range: { from: 1, to: 1_000_000, integer: true } };

    expect(() => createGrid(toMethodSpace({ a: huge, b: huge, c: huge }))).toThrow(
      expect.objectContaining({ code: 'search_space_too_large', kind: 'user' }),
    );
  });

  test('a contradictory space names every problem with its path', () => {
    const method: MethodSpace = {
      space: { a: { range: { from: 2, to: 1, count: 2 } }, b: { values: [1, 1] } },
      zip: [['b', 'c']],
      exclude: [],
    };

    expect(() => createGrid(method)).toThrow(
      expect.objectContaining({
        code: 'invalid_search_space',
        message: expect.stringMatching(/space\.a\.range\.to[\s\S]*space\.b\.values\.1[\s\S]*zip\.0\.1/),
      }),
    );
  });

  test.each([-1, 4, 0.5, Number.NaN])('position %d of four points is refused', (index) => {
    const grid = createGrid(toMethodSpace({ a: { values: [1, 2, 3, 4] } }));

    expect(() => grid.at(index)).toThrow(RangeError);
  });
});
