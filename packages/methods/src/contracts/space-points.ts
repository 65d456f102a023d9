import type { SearchSpace } from '@adctl/search';

type Point = Readonly<Record<string, unknown>>;

/**
 * Points that cover a search space: every combination of listed values, with both ends and the middle of each range.
 * A distribution with a condition appears only in points that meet it.
 */
export function pointsOf(space: SearchSpace): Point[] {
  let points: Point[] = [{}];
  for (const [name, distribution] of Object.entries(space)) {
    points = points.flatMap((point) =>
      isPresent(distribution, point) ? valuesOf(distribution).map((value) => ({ ...point, [name]: value })) : [point],
    );
  }
  return points;
}

function valuesOf(distribution: SearchSpace[string]): readonly unknown[] {
  if ('values' in distribution) return distribution.values;
  if ('group' in distribution) return pointsOf(distribution.group as SearchSpace);
  const { from, to, scale } = distribution.range;
  const middle = scale === 'log' ? Math.sqrt(from * to) : (from + to) / 2;
  const isWhole = Number.isInteger(from) && Number.isInteger(to);
  return [from, isWhole ? Math.round(middle) : middle, to];
}

function isPresent(distribution: SearchSpace[string], point: Point): boolean {
  const when = 'when' in distribution ? (distribution.when as Point | undefined) : undefined;
  return Object.entries(when ?? {}).every(([name, wanted]) =>
    Array.isArray(wanted) ? wanted.includes(point[name]) : wanted === point[name],
  );
}
