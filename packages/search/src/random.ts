import { type HyperparameterValue, type MethodSpace, toCanonicalJson, userError } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import { type Axis, createAxes, matchesPoint, toPoint } from './axes.js';
import { createGrid, type Grid } from './grid.js';
import type { Point } from './search-space.js';

/** Draws in a row that give nothing new before a finite space is finished in grid order. */
const MAX_MISSES = 1000;

/**
 * Draws one point; a pure function of its arguments. Each hyperparameter is uniform over its values or its range's
 * scale; one whose `when` does not hold is absent.
 *
 * @param draw position in the stream of draws, from 0.
 * @returns undefined when the draw is excluded.
 */
function drawPoint(axes: readonly Axis[], method: MethodSpace, seed: number, draw: number): Point | undefined {
  const generator = createGenerator(seed, 'random-search', draw);
  const values = new Map<string, HyperparameterValue>();
  const chosen: { keys: readonly string[]; value: HyperparameterValue }[] = [];
  for (const { members, conditions, size } of axes) {
    if (!conditions.every((when) => matchesPoint(values, when))) continue;
    const together = members.length > 1 ? generator.integer(size) : undefined;
    for (const { name, keys, distribution } of members) {
      const value = together === undefined ? distribution.sample(generator) : distribution.at(together);
      values.set(name, value);
      chosen.push({ keys, value });
    }
  }
  return method.exclude.some((point) => matchesPoint(values, point)) ? undefined : toPoint(chosen);
}

/**
 * Random search: the first `samples` different points of a stream of independent draws. The same space, seed and
 * position always give the same point, whatever was asked before and however many samples are wanted. A finite space
 * with fewer points than `samples` is drawn completely.
 *
 * @param samples how many points are wanted, at least 1.
 * @throws AdctlError user `invalid_search_space` or `empty_search_space`.
 */
export function createRandomSearch(method: MethodSpace, seed: number, samples: number): Grid {
  if (!Number.isInteger(samples) || samples < 1) throw new RangeError(`samples must be at least 1, got ${samples}`);
  const axes = createAxes(method, false);
  const zippedContinuous = axes.find(({ members, size }) => members.length > 1 && size === Number.POSITIVE_INFINITY);
  if (zippedContinuous !== undefined) {
    const names = zippedContinuous.members.map(({ name }) => name).join(' and ');
    throw userError('invalid_search_space', `${names} are zipped and have no end of values`, {
      hint: 'Give each range the same count.',
    });
  }
  const whole = axes.every(({ size }) => size !== Number.POSITIVE_INFINITY) ? createGrid(countable(method)) : undefined;
  const size = Math.min(samples, whole?.size ?? samples);
  const points: Point[] = [];
  const seen = new Set<string>();
  let draws = 0;
  let searched = 0;

  const accept = (point: Point): boolean => {
    const text = toCanonicalJson(point);
    if (seen.has(text)) return false;
    seen.add(text);
    points.push(point);
    return true;
  };
  const drawNext = (): void => {
    for (let misses = 0; misses < MAX_MISSES; misses++) {
      const point = drawPoint(axes, method, seed, draws++);
      if (point !== undefined && accept(point)) return;
    }
    if (whole === undefined) {
      throw userError('empty_search_space', `${MAX_MISSES} random draws in a row gave no new point`, {
        hint: 'Exclude fewer points, or widen the ranges.',
      });
    }
    while (searched < whole.size) if (accept(whole.at(searched++))) return;
  };

  return {
    size,
    at(index) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
        throw new RangeError(`index must be in 0 .. ${size - 1}, got ${index}`);
      }
      while (points.length <= index) drawNext();
      return points[index] as Point;
    },
  };
}

/** The space with every range of whole numbers counted out one by one, as a grid wants it. */
function countable(method: MethodSpace): MethodSpace {
  const open = (space: MethodSpace['space']): MethodSpace['space'] =>
    Object.fromEntries(
      Object.entries(space).map(([name, distribution]) => {
        if ('group' in distribution) return [name, { ...distribution, group: open(distribution.group) }];
        if (!('range' in distribution)) return [name, distribution];
        const { count, step, ...range } = distribution.range;
        return [
          name,
          count !== undefined || step !== undefined
            ? distribution
            : { ...distribution, range: { ...range, scale: 'linear' } },
        ];
      }),
    );
  return { ...method, space: open(method.space) };
}
