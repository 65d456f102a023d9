import { createGenerator, type RandomGenerator } from '@adctl/random';
import { describe, expect, test } from 'vitest';
import { type DirichletStatistics, fitDirichlet, LOWEST_LOG } from './dirichlet.js';
import { digamma } from './gamma-functions.js';

/** Statistics of probability vectors given by their logs, clamped as the method clamps them. */
function statisticsOf(logs: readonly (readonly number[])[]): DirichletStatistics {
  const mean = (f: (log: number) => number) =>
    Float64Array.from(
      logs[0]!,
      (_, j) => logs.reduce((sum, row) => sum + f(Math.max(row[j]!, LOWEST_LOG)), 0) / logs.length,
    );
  return { meanLogs: mean((log) => log), means: mean(Math.exp) };
}

/** Log of a draw from Gamma(shape, 1) (Marsaglia and Tsang 2000; shapes below 1 by a power of a uniform). */
function logGammaDraw(shape: number, generator: RandomGenerator): number {
  if (shape < 1) return logGammaDraw(shape + 1, generator) + Math.log(1 - generator.uniform()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = generator.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - generator.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}

function samples(alpha: readonly number[], count: number, seed = 1): number[][] {
  const generator = createGenerator(seed, 'dirichlet');
  return Array.from({ length: count }, () => {
    const logs = alpha.map((shape) => logGammaDraw(shape, generator));
    const highest = Math.max(...logs);
    const total = highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0));
    return logs.map((log) => log - total);
  });
}

function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 10; y++) shift -= Math.log(y);
  return (
    shift +
    (y - 0.5) * Math.log(y) -
    y +
    0.5 * Math.log(2 * Math.PI) +
    1 / (12 * y) -
    1 / (360 * y ** 3) +
    1 / (1260 * y ** 5)
  );
}

/** Mean log-likelihood of the vectors. */
function likelihood(alpha: Float64Array, { meanLogs }: DirichletStatistics): number {
  const total = alpha.reduce((sum, value) => sum + value, 0);
  return alpha.reduce((sum, value, j) => sum - logGamma(value) + (value - 1) * meanLogs[j]!, logGamma(total));
}

describe('the Dirichlet fit', () => {
  test.each([[[0.3, 2, 5, 0.9]], [[50, 1, 1, 1]], [[10, 20, 30]]])('recovers %j from 20,000 samples', (truth) => {
    const { alpha } = fitDirichlet(statisticsOf(samples(truth, 20_000)));

    for (const [j, value] of truth.entries()) expect(Math.abs(alpha[j]! - value) / value).toBeLessThan(0.03);
  });

  test('ends where the gradient of the likelihood vanishes, and never steps down', () => {
    const statistics = statisticsOf(samples([0.3, 2, 5, 0.9], 2000));
    const path: number[] = [];
    const { alpha, hasConverged, iterations } = fitDirichlet(statistics, (at) => path.push(likelihood(at, statistics)));
    const total = digamma(alpha.reduce((sum, value) => sum + value, 0));

    expect(hasConverged).toBe(true);
    expect(path).toHaveLength(iterations + 1);
    for (const [j, m] of statistics.meanLogs.entries())
      expect(Math.abs(total - digamma(alpha[j]!) + m)).toBeLessThan(1e-6);
    for (const [i, value] of path.entries()) if (i > 0) expect(value).toBeGreaterThanOrEqual(path[i - 1]! - 1e-9);
  });

  test('handles a confident classifier’s 72 components', () => {
    const truth = Array.from({ length: 72 }, (_, j) => (j === 5 ? 40 : 0.3));
    const { alpha, hasConverged } = fitDirichlet(statisticsOf(samples(truth, 2000)));

    expect(hasConverged).toBe(true);
    expect(Math.abs(alpha[5]! - 40)).toBeLessThan(2);
    expect(Math.abs(alpha[6]! - 0.3)).toBeLessThan(0.03);
  });

  test('follows a permutation of the components', () => {
    const rows = samples([0.3, 2, 5, 0.9], 500);
    const { alpha } = fitDirichlet(statisticsOf(rows));
    const turned = fitDirichlet(statisticsOf(rows.map(([a, b, c, d]) => [d!, a!, b!, c!]))).alpha;

    for (const [j, from] of [3, 0, 1, 2].entries()) expect(turned[j]).toBeCloseTo(alpha[from]!, 6);
  });

  test.each<[string, number[][]]>([
    ['all vectors equal', Array.from({ length: 5 }, () => [Math.log(0.7), Math.log(0.2), Math.log(0.1)])],
    ['one-hot vectors whose zeros underflowed', Array.from({ length: 4 }, () => [0, -Infinity, -Infinity])],
    [
      'two vectors',
      [
        [Math.log(0.9), Math.log(0.1)],
        [Math.log(0.4), Math.log(0.6)],
      ],
    ],
  ])('stays finite and positive for %s', (_what, rows) => {
    const { alpha } = fitDirichlet(statisticsOf(rows));

    for (const value of alpha) {
      expect(Number.isFinite(value)).toBe(true);
      expect(value).toBeGreaterThan(0);
    }
  });

  test('a mean that underflowed to zero does no harm', () => {
    const { alpha } = fitDirichlet({ meanLogs: Float64Array.of(0, LOWEST_LOG), means: Float64Array.of(1, 0) });

    for (const value of alpha) expect(value).toBeGreaterThan(0);
  });
});
