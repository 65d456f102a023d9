import { rangeProblem, rangeSize } from './range.js';
import type { Distribution, MethodSpace, PartialPoint, SearchSpace } from './search-space.js';
import { didYouMean } from './sweep-wording.js';

/** Why a search space cannot be used; each part is legal alone. */
export interface SearchSpaceProblem {
  /** From the method's own `{ space, zip, exclude }`. */
  readonly path: readonly (string | number)[];
  /** Whether the problem is the name at the path or its value. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly suggestion?: string | undefined;
}

/** A distribution that is not a group, with every condition it depends on. */
export interface SpaceLeaf {
  /** Dotted inside groups. */
  readonly name: string;
  /** The keys from the space to it, without dots. */
  readonly keys: readonly string[];
  readonly distribution: Exclude<Distribution, { group: SearchSpace }>;
  /** Its own `when` and those of the groups around it; all must hold. */
  readonly conditions: readonly PartialPoint[];
}

/** Everything in a space that has a value, groups opened, in the order written. */
export function spaceLeaves(
  space: SearchSpace,
  keys: readonly string[] = [],
  around: readonly PartialPoint[] = [],
): SpaceLeaf[] {
  return Object.entries(space).flatMap(([name, distribution]): SpaceLeaf[] => {
    const inner = [...keys, name];
    const conditions = distribution.when === undefined ? around : [...around, distribution.when];
    if ('group' in distribution) return spaceLeaves(distribution.group, inner, conditions);
    return [{ name: inner.join('.'), keys: inner, distribution, conditions }];
  });
}

/**
 * Everything a schema cannot say about a search space.
 * @param grid whether every distribution must be countable; a random search takes any range.
 */
export function searchSpaceProblems(method: MethodSpace, grid: boolean): SearchSpaceProblem[] {
  const leaves = spaceLeaves(method.space);
  const names = leaves.map(({ name }) => name);
  return [
    ...inSpace(method.space, ['space'], names, grid),
    ...circularConditions(leaves),
    ...inZip(method.zip, leaves),
    ...inExclude(method.exclude, names),
  ];
}

function* inSpace(
  space: SearchSpace,
  path: readonly (string | number)[],
  names: readonly string[],
  grid: boolean,
): Generator<SearchSpaceProblem> {
  for (const [name, distribution] of Object.entries(space)) {
    const here = [...path, name];
    for (const other of Object.keys(distribution.when ?? {})) {
      if (!names.includes(other)) yield unknownName([...here, 'when', other], 'key', other, names);
    }
    if ('group' in distribution) yield* inSpace(distribution.group, [...here, 'group'], names, grid);
    else if ('values' in distribution) yield* repeated(distribution.values, [...here, 'values']);
    else {
      const problem = rangeProblem(distribution.range, grid);
      if (problem === undefined) continue;
      const { message, suggestion } = problem;
      const inner = problem.key === undefined ? [] : [problem.key];
      yield { path: [...here, 'range', ...inner], at: 'value', message: `the range of ${name} ${message}`, suggestion };
    }
  }
}

function* repeated(values: readonly unknown[], path: readonly (string | number)[]): Generator<SearchSpaceProblem> {
  const seen = new Set<string>();
  for (const [i, value] of values.entries()) {
    const text = JSON.stringify(value);
    if (seen.has(text)) {
      yield { path: [...path, i], at: 'value', message: `${text} stands here twice`, suggestion: 'name it once' };
    }
    seen.add(text);
  }
}

/** Leaves whose conditions lead back to themselves exist only if they exist. */
function* circularConditions(leaves: readonly SpaceLeaf[]): Generator<SearchSpaceProblem> {
  const needs = new Map(leaves.map((leaf) => [leaf.name, leaf.conditions.flatMap((when) => Object.keys(when))]));
  for (const { name, keys } of leaves) {
    const reached = new Set<string>();
    const open = [...(needs.get(name) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(...(needs.get(next) ?? []));
    }
    if (reached.has(name)) {
      const path = ['space', ...keys.flatMap((key, i) => (i === 0 ? [key] : ['group', key]))];
      const message = `whether ${name} exists depends on ${name} itself`;
      yield { path, at: 'key', message, suggestion: 'remove one of the when conditions' };
    }
  }
}

function* inZip(zip: MethodSpace['zip'], leaves: readonly SpaceLeaf[]): Generator<SearchSpaceProblem> {
  const names = leaves.map(({ name }) => name);
  const zipped = new Set<string>();
  for (const [g, group] of zip.entries()) {
    const members: SpaceLeaf[] = [];
    for (const [n, name] of group.entries()) {
      const path = ['zip', g, n];
      const leaf = leaves.find((candidate) => candidate.name === name);
      if (leaf === undefined) yield unknownName(path, 'value', name, names);
      else members.push(leaf);
      if (zipped.has(name)) {
        yield { path, at: 'value', message: `${name} is zipped twice`, suggestion: 'name it once' };
      }
      zipped.add(name);
    }
    const path = ['zip', g];
    const counts = members.map((leaf) => leafSize(leaf.distribution));
    if (counts.some((count) => count !== counts[0])) {
      const found = members.map(({ name }, i) => `${name} has ${counts[i] ?? 'any number'}`).join(', ');
      const message = `zipped hyperparameters need equally many values: ${found}`;
      yield { path, at: 'value', message, suggestion: 'give each as many values' };
    }
    if (members.some((leaf) => JSON.stringify(leaf.conditions) !== JSON.stringify(members[0]?.conditions))) {
      const message = 'zipped hyperparameters need the same when';
      yield { path, at: 'value', message, suggestion: 'write the same when on each' };
    }
  }
}

function* inExclude(exclude: MethodSpace['exclude'], names: readonly string[]): Generator<SearchSpaceProblem> {
  for (const [p, point] of exclude.entries()) {
    const path = ['exclude', p];
    if (Object.keys(point).length === 0) {
      yield { path, at: 'value', message: 'an empty exclude would leave nothing', suggestion: 'remove it' };
    }
    for (const name of Object.keys(point)) {
      if (!names.includes(name)) yield unknownName([...path, name], 'key', name, names);
    }
  }
}

/** Values of a countable distribution; undefined for a range that is not, or that is wrong. */
export function leafSize(distribution: SpaceLeaf['distribution']): number | undefined {
  if ('values' in distribution) return distribution.values.length;
  const { range } = distribution;
  const countable = range.count !== undefined || range.step !== undefined || range.integer === true;
  return countable && rangeProblem(range, false) === undefined ? rangeSize(range) : undefined;
}

function unknownName(
  path: readonly (string | number)[],
  at: 'key' | 'value',
  name: string,
  names: readonly string[],
): SearchSpaceProblem {
  const near = didYouMean(name, names);
  const suggestion = near === undefined ? `the space has ${names.join(', ') || 'nothing'}` : `did you mean ${near}?`;
  return { path, at, message: `${JSON.stringify(name)} is not in the space`, suggestion };
}
