import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createGenerator, deriveSeed } from './index.js';

describe('generator', () => {
  test('equal seeds and labels give equal streams, other labels other ones', () => {
    const draw = (...labels: string[]) => {
      const generator = createGenerator(7, ...labels);
      return Array.from({ length: 5 }, () => generator.uint32());
    };

    expect(draw('noise')).toEqual(draw('noise'));
    expect(draw('noise')).not.toEqual(draw('weights'));
  });

  test('continues exactly from a saved state, the spare normal included', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(20), (seed, drawn) => {
        const original = createGenerator(seed);
        for (let i = 0; i < drawn; i++) original.normal();
        const copy = createGenerator(0);
        copy.restore(JSON.parse(JSON.stringify(original.state())));

        expect([copy.normal(), copy.uniform(), copy.normal()]).toEqual([
          original.normal(),
          original.uniform(),
          original.normal(),
        ]);
      }),
    );
  });

  test('uniform, normal and integer draws have the moments of their distributions', () => {
    const generator = createGenerator(1);
    const count = 200_000;
    const moments = (draw: () => number) => {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < count; i++) {
        const value = draw();
        sum += value;
        squares += value * value;
      }
      return { mean: sum / count, variance: squares / count - (sum / count) ** 2 };
    };

    const uniform = moments(generator.uniform);
    const normal = moments(generator.normal);
    const dice = moments(() => generator.integer(6));

    expect(uniform.mean).toBeCloseTo(0.5, 2);
    expect(uniform.variance).toBeCloseTo(1 / 12, 2);
    expect(normal.mean).toBeCloseTo(0, 1);
    expect(normal.variance).toBeCloseTo(1, 1);
    expect(dice.mean).toBeCloseTo(2.5, 1);
  });

  test('a permutation holds every index once and shuffling keeps the values', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(50), (seed, length) => {
        const generator = createGenerator(seed);
        const indices = Array.from({ length }, (_, i) => i);

        expect([...generator.permutation(length)].sort((x, y) => x - y)).toEqual(indices);
        expect(generator.shuffled(indices).sort((x, y) => x - y)).toEqual(indices);
      }),
    );
  });

  test('refuses a bound that is not a positive integer', () => {
    expect(() => createGenerator(1).integer(0)).toThrow(RangeError);
    expect(() => createGenerator(1).integer(1.5)).toThrow(RangeError);
  });

  test('derived seeds of neighbouring parents share no high bits', () => {
    const tops = new Set(Array.from({ length: 64 }, (_, seed) => deriveSeed(seed, 'x') >>> 26));
    expect(tops.size).toBeGreaterThan(30);
  });
});
