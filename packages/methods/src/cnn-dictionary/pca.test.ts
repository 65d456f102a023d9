import { createGenerator } from '@adctl/random';
import { describe, expect, test } from 'vitest';
import { countComponents, fitPca, type Points, project } from './pca.js';

function points(rows: readonly (readonly number[])[]): Points {
  return { count: rows.length, dimensions: rows[0]!.length, values: Float64Array.from(rows.flat()) };
}

/** Random points with other variances in every direction. */
function cloud(count: number, dimensions: number): Points {
  const generator = createGenerator(4, 'cloud');
  return points(
    Array.from({ length: count }, () => {
      const shared = generator.normal();
      return Array.from({ length: dimensions }, (_, d) => 5 + (d + 1) * generator.normal() + 2 * shared);
    }),
  );
}

const column = (matrix: Float64Array, kept: number, i: number) =>
  Array.from({ length: matrix.length / kept }, (_, d) => matrix[d * kept + i]!);
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('principal components', () => {
  const root5 = Math.sqrt(5);
  const four = points([
    [6 / root5, 3 / root5],
    [-6 / root5, -3 / root5],
    [Math.sqrt(1.5) / root5, (-2 * Math.sqrt(1.5)) / root5],
    [-Math.sqrt(1.5) / root5, (2 * Math.sqrt(1.5)) / root5],
  ]);

  test('of four points are those worked out by hand', () => {
    const pca = fitPca(four, 1);

    expect([...pca.variances]).toEqual([expect.closeTo(6, 10), expect.closeTo(1, 10)]);
    expect(column(pca.components, 2, 0)).toEqual([expect.closeTo(0.894427, 6), expect.closeTo(0.447214, 6)]);
    expect(pca.explained[0]).toBeCloseTo(0.857143, 6);
    expect(fitPca(four, 0.85).kept).toBe(1);
    expect(fitPca(four, 0.95).kept).toBe(2);
  });

  test('are orthonormal, make the covariance diagonal, and all of them give the points back', () => {
    const cloud7 = cloud(60, 7);
    const pca = fitPca(cloud7, 1);
    const codes = project(cloud7, pca);
    const covariance = (a: number, b: number) =>
      dot(column(codes.values, 7, a), column(codes.values, 7, b)) / (cloud7.count - 1);

    for (let a = 0; a < 7; a++) {
      for (let b = 0; b < 7; b++) {
        expect(dot(column(pca.components, 7, a), column(pca.components, 7, b))).toBeCloseTo(a === b ? 1 : 0, 8);
        expect(covariance(a, b)).toBeCloseTo(a === b ? pca.variances[a]! : 0, 8);
      }
    }
    const trace = Array.from({ length: 7 }, (_, d) => {
      const values = column(cloud7.values, 7, d);
      return values.reduce((sum, value) => sum + (value - pca.mean[d]!) ** 2, 0) / (cloud7.count - 1);
    }).reduce((sum, value) => sum + value, 0);
    expect(pca.variances.reduce((sum, value) => sum + value, 0)).toBeCloseTo(trace, 8);
    const back = Array.from({ length: 7 }, (_, d) =>
      column(pca.components, 7, 0).length === 7
        ? pca.mean[d]! +
          dot(
            [...codes.values.subarray(0, 7)],
            Array.from({ length: 7 }, (_v, i) => pca.components[d * 7 + i]!),
          )
        : Number.NaN,
    );
    expect(back).toEqual([...cloud7.values.subarray(0, 7)].map((value) => expect.closeTo(value, 8)));
  });

  test('are the same by the covariance and by inner products', () => {
    const tall = cloud(20, 7);
    const [covariance, gram] = [fitPca(tall, 1, 'covariance'), fitPca(tall, 0.999999, 'gram')];

    expect(gram.kept).toBe(7);
    for (const [i, value] of covariance.components.entries()) expect(gram.components[i]).toBeCloseTo(value, 6);
    for (const [i, value] of covariance.variances.entries()) expect(gram.variances[i]).toBeCloseTo(value, 6);
  });

  test('whitened codes have variance one', () => {
    const tall = cloud(40, 5);
    const codes = project(tall, fitPca(tall, 1), true);

    for (let i = 0; i < 5; i++) {
      expect(dot(column(codes.values, 5, i), column(codes.values, 5, i)) / 39).toBeCloseTo(1, 8);
    }
  });

  test('of points that do not vary are one, and nothing is divided by zero', () => {
    const pca = fitPca(
      points([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
      0.95,
    );

    expect(pca.kept).toBe(1);
    expect([...project(points([[1, 2]]), pca, true).values]).toEqual([0]);
    expect(countComponents([0.5, 0.3, 0.2], 0.8)).toBe(2);
  });
});
