import { createGenerator } from '@adctl/random';
import { describe, expect, test } from 'vitest';
import { countTransformations, listTransformations, planGather, type Transformation } from './transformations.js';

const SIDE = 16;
const gathers = listTransformations('full72', SIDE / 4).map((t) => planGather(t, SIDE));
const identity: Transformation = { flip: false, rows: 0, columns: 0, turns: 0 };

function apply(gather: Int32Array, image: ArrayLike<number>): number[] {
  return Array.from(gather, (source) => image[source]!);
}

describe('the 72 transformations', () => {
  test('are gathers of every pixel position, the identity first', () => {
    expect(gathers).toHaveLength(72);
    expect(countTransformations('full72')).toBe(72);
    expect(Array.from(gathers[0]!)).toEqual(Array.from({ length: SIDE * SIDE }, (_, i) => i));
    for (const gather of gathers) {
      expect(gather).toHaveLength(SIDE * SIDE);
      expect(Math.min(...gather)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...gather)).toBeLessThan(SIDE * SIDE);
    }
  });

  test('give 72 different pictures of a random image, and 36 of a symmetric one', () => {
    const random = createGenerator(1).fillUniform(new Float32Array(SIDE * SIDE), 0, 1);
    const symmetric = random.map((_, i) => {
      const [row, column] = [Math.floor(i / SIDE), i % SIDE];
      return random[row * SIDE + Math.min(column, SIDE - 1 - column)]!;
    });
    const differing = (image: Float32Array) => new Set(gathers.map((gather) => apply(gather, image).join())).size;

    expect(differing(random)).toBe(72);
    expect(differing(symmetric)).toBe(36);
  });

  test('lose pixels exactly when they translate', () => {
    const bijections = gathers.flatMap((gather, label) => (new Set(gather).size === SIDE * SIDE ? [label] : []));

    expect(bijections).toEqual([0, 1, 2, 3, 36, 37, 38, 39]);
  });

  test('are labelled ((flip * 3 + rows) * 3 + columns) * 4 + turns', () => {
    const all = listTransformations('full72', 4);

    expect(all[((1 * 3 + 2) * 3 + 1) * 4 + 3]).toEqual({ flip: true, rows: 4, columns: -4, turns: 3 });
    expect(all[((0 * 3 + 1) * 3 + 0) * 4 + 2]).toEqual({ flip: false, rows: -4, columns: 0, turns: 2 });
  });

  test('shifts repeat the border in the mirror, on both axes', () => {
    const moved = (t: Partial<Transformation>) => planGather({ ...identity, ...t }, 8);
    const rowsOf = (gather: Int32Array) => Array.from({ length: 8 }, (_, i) => Math.floor(gather[8 * i]! / 8));
    const columnsOf = (gather: Int32Array) => Array.from({ length: 8 }, (_, j) => gather[j]! % 8);

    expect(rowsOf(moved({ rows: 2 }))).toEqual([2, 3, 4, 5, 6, 7, 7, 6]);
    expect(rowsOf(moved({ rows: -2 }))).toEqual([1, 0, 0, 1, 2, 3, 4, 5]);
    expect(columnsOf(moved({ columns: 2 }))).toEqual([2, 3, 4, 5, 6, 7, 7, 6]);
    expect(columnsOf(moved({ columns: -2 }))).toEqual([1, 0, 0, 1, 2, 3, 4, 5]);
  });

  test('turn counter-clockwise and flip left and right', () => {
    expect(apply(planGather({ ...identity, turns: 1 }, 2), [1, 2, 3, 4])).toEqual([2, 4, 1, 3]);
    expect(apply(planGather({ ...identity, flip: true }, 2), [1, 2, 3, 4])).toEqual([2, 1, 4, 3]);
  });

  test('flip, then translate, then rotate', () => {
    const image = Array.from({ length: 64 }, (_, i) => i);
    const parts: Partial<Transformation>[] = [{ flip: true }, { rows: 2, columns: -2 }, { turns: 3 }];
    const oneByOne = parts.reduce((x, part) => apply(planGather({ ...identity, ...part }, 8), x), image);

    expect(apply(planGather({ flip: true, rows: 2, columns: -2, turns: 3 }, 8), image)).toEqual(oneByOne);
  });
});

describe('the eight flips and turns', () => {
  const all = listTransformations('dihedral8', 2);
  const image = Array.from({ length: 64 }, (_, i) => i);
  const of = (flip: boolean, turns: number) => planGather({ flip, rows: 0, columns: 0, turns }, 8);

  test('are a group', () => {
    expect(all).toHaveLength(countTransformations('dihedral8'));
    for (const first of all) {
      for (const second of all) {
        const both = apply(of(second.flip, second.turns), apply(of(first.flip, first.turns), image));
        const turns = second.flip ? (second.turns - first.turns + 4) % 4 : (first.turns + second.turns) % 4;
        expect(both).toEqual(apply(of(first.flip !== second.flip, turns), image));
      }
    }
  });

  test('four turns or two flips change nothing', () => {
    const times = (gather: Int32Array, n: number) =>
      Array.from({ length: n }).reduce<number[]>((x) => apply(gather, x), image);

    expect(times(of(false, 1), 4)).toEqual(image);
    expect(times(of(true, 0), 2)).toEqual(image);
  });
});
