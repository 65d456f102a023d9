import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createGrid, createRandomSearch, drawSeeds, type SearchSpace, toMethodSpace } from './index.js';

const space: SearchSpace = {
  rate: { range: { from: 1e-5, to: 1e-1, scale: 'log' } },
  share: { range: { from: -1, to: 3 } },
  layers: { range: { from: 1, to: 4, integer: true } },
  level: { range: { from: 0.1, to: 0.3, step: 0.1 } },
  kind: { values: ['none', 'gauss'] },
  sigma: { range: { from: 0.1, to: 0.5 }, when: { kind: 'gauss' } },
};
const draw = (count: number, seed = 1) => {
  const search = createRandomSearch(toMethodSpace(space), seed, count);
  return Array.from({ length: search.size }, (_, i) => search.at(i));
};

describe('random search', () => {
  test('a position gives the same point whatever was asked before and however many samples are wanted', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(19), (seed, index) => {
        const few = createRandomSearch(toMethodSpace(space), seed, index + 1);
        const many = createRandomSearch(toMethodSpace(space), seed, 50);
        many.at(49);

        expect(few.at(index)).toEqual(many.at(index));
      }),
    );
  });

  test('another seed draws other points', () => {
    expect(draw(5, 1)).not.toEqual(draw(5, 2));
  });

  test('values lie in their ranges, on their steps, and exist when they should', () => {
    for (const point of draw(500)) {
      expect(point.rate).toBeGreaterThanOrEqual(1e-5);
      expect(point.rate).toBeLessThanOrEqual(1e-1);
      expect(point.share).toBeGreaterThanOrEqual(-1);
      expect(point.share).toBeLessThanOrEqual(3);
      expect([1, 2, 3, 4]).toContain(point.layers);
      expect([0.1, 0.2, 0.3]).toContain(point.level);
      expect('sigma' in point).toBe(point.kind === 'gauss');
    }
  });

  test('is uniform on the scale of a range and over values', () => {
    const points = draw(4000);
    const share = (of: (point: (typeof points)[number]) => boolean) => points.filter(of).length / points.length;

    // Standard error of a share of 4,000 draws is below 0.008; these bounds are more than four of them.
    expect(Math.abs(share(({ rate }) => Number(rate) < 1e-3) - 0.5)).toBeLessThan(0.035);
    expect(Math.abs(share(({ share: value }) => Number(value) < 0) - 0.25)).toBeLessThan(0.035);
    expect(Math.abs(share(({ layers }) => layers === 1) - 0.25)).toBeLessThan(0.035);
    expect(Math.abs(share(({ kind }) => kind === 'none') - 0.5)).toBeLessThan(0.035);
  });

  test('never repeats a point and draws a small space completely', () => {
    const small = toMethodSpace({
      a: { values: [1, 2, 3] },
      b: { range: { from: 1, to: 4, integer: true, scale: 'log' } },
    });

    const search = createRandomSearch(small, 3, 100);
    const points = Array.from({ length: search.size }, (_, i) => JSON.stringify(search.at(i)));

    expect(search.size).toBe(12);
    expect(new Set(points).size).toBe(12);
  });

  test('finishes a space in which one point is nearly never drawn', () => {
    const steps = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [
        `h${i}`,
        { values: ['stop', 'go'], ...(i > 0 && { when: { [`h${i - 1}`]: 'go' } }) },
      ]),
    );

    const search = createRandomSearch(toMethodSpace(steps), 1, 1000);

    expect(search.size).toBe(13);
    expect(new Set(Array.from({ length: 13 }, (_, i) => JSON.stringify(search.at(i)))).size).toBe(13);
  });

  test('excluded points are not drawn', () => {
    const method = { space: { a: { values: [1, 2, 3] } }, zip: [], exclude: [{ a: [1, 3] }] };

    expect(createRandomSearch(method, 1, 5).size).toBe(1);
    expect(createRandomSearch(method, 1, 5).at(0)).toEqual({ a: 2 });
  });

  test('zipped values stay pairs of the grid; a zipped range without count is refused', () => {
    const zipped = (b: SearchSpace[string]) => ({
      space: { a: { values: [1, 2] }, b },
      zip: [['a', 'b']],
      exclude: [],
    });
    const pairs = createGrid(zipped({ values: ['x', 'y'] }));
    const search = createRandomSearch(zipped({ values: ['x', 'y'] }), 1, 2);

    expect([pairs.at(0), pairs.at(1)]).toContainEqual(search.at(0));
    expect(() => createRandomSearch(zipped({ range: { from: 0, to: 1 } }), 1, 2)).toThrow(
      expect.objectContaining({ code: 'invalid_search_space' }),
    );
  });
});

describe('seeds', () => {
  test('of the two phases never meet, are all different, and do not depend on how many are drawn', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (sweepSeed, n, m) => {
        const search = drawSeeds({ sweepSeed, phase: 'search', count: n });
        const report = drawSeeds({ sweepSeed, phase: 'report', count: m });

        expect(new Set([...search, ...report]).size).toBe(n + m);
        expect(search.every((seed) => seed % 2 === 0)).toBe(true);
        expect(report.every((seed) => seed % 2 === 1)).toBe(true);
        expect(drawSeeds({ sweepSeed, phase: 'report', count: m + 1 }).slice(0, m)).toEqual(report);
      }),
    );
  });
});
