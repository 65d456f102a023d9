import { rangeProblem } from './range.js';
import type { SearchSpace } from './search-space.js';
import type { SweepPath } from './sweep-issue.js';
import type { SweepDraft } from './sweep-normalize.js';
import { didYouMean } from './sweep-wording.js';

/** A contradiction between values that are each legal alone; the path is one inside the `Sweep`. */
export interface Contradiction {
  readonly path: SweepPath;
  /** Whether the issue stands at the key or the value. */
  readonly at?: 'key' | 'value';
  readonly message: string;
  readonly suggestion?: string | undefined;
}

/** Everything a schema cannot say, checked on the sections that could be read. */
export function findContradictions(draft: SweepDraft): Contradiction[] {
  return [...inObjective(draft), ...inSpaces(draft), ...inFixedHyperparameters(draft)];
}

function* inObjective({ objective }: SweepDraft): Generator<Contradiction> {
  if (objective === undefined) return;
  const goal = objective.metric === 'selection.loss' ? 'minimize' : 'maximize';
  if (objective.goal !== goal) {
    const message = `${objective.metric} cannot be ${objective.goal.replace(/e$/, 'ed')}`;
    yield { path: ['objective', 'goal'], message, suggestion: `goal: ${goal}, or leave goal out` };
  }
}

function* inSpaces({ search }: SweepDraft): Generator<Contradiction> {
  if (search === undefined) return;
  for (const [method, { space, zip, exclude }] of Object.entries(search.spaces)) {
    const path = ['search', 'spaces', method];
    const names = leafNames(space);
    yield* inSpace(space, [...path, 'space'], names, search.algorithm === 'grid');
    const zipped = new Set<string>();
    for (const [g, group] of zip.entries()) {
      for (const [n, name] of group.entries()) {
        const at = [...path, 'zip', g, n];
        if (!names.includes(name)) yield unknownName(at, name, names);
        if (zipped.has(name)) yield { path: at, message: `${name} is zipped twice`, suggestion: 'name it once' };
        zipped.add(name);
      }
    }
    for (const [p, point] of exclude.entries()) {
      if (Object.keys(point).length === 0) {
        yield {
          path: [...path, 'exclude', p],
          message: 'an empty exclude would leave nothing',
          suggestion: 'remove it',
        };
      }
      for (const name of Object.keys(point)) {
        if (!names.includes(name)) yield { ...unknownName([...path, 'exclude', p, name], name, names), at: 'key' };
      }
    }
  }
}

function* inSpace(
  space: SearchSpace,
  path: SweepPath,
  names: readonly string[],
  grid: boolean,
): Generator<Contradiction> {
  for (const [name, distribution] of Object.entries(space)) {
    const at = [...path, name];
    for (const other of Object.keys(distribution.when ?? {})) {
      if (!names.includes(other)) yield { ...unknownName([...at, 'when', other], other, names), at: 'key' };
    }
    if ('group' in distribution) yield* inSpace(distribution.group, [...at, 'group'], names, grid);
    if ('values' in distribution) yield* repeated(distribution.values, [...at, 'values']);
    if ('range' in distribution) {
      const problem = rangeProblem(distribution.range, grid);
      if (problem !== undefined) {
        const inner = problem.key === undefined ? [] : [problem.key];
        const { message, suggestion } = problem;
        yield { path: [...at, 'range', ...inner], message: `the range of ${name} ${message}`, suggestion };
      }
    }
  }
}

function* repeated(values: readonly unknown[], path: SweepPath): Generator<Contradiction> {
  const seen = new Set<string>();
  for (const [i, value] of values.entries()) {
    const text = JSON.stringify(value);
    if (seen.has(text)) yield { path: [...path, i], message: `${text} stands here twice`, suggestion: 'name it once' };
    seen.add(text);
  }
}

function* inFixedHyperparameters({ search, train }: SweepDraft): Generator<Contradiction> {
  for (const [method, fixed] of Object.entries(train?.hyperparameters ?? {})) {
    for (const name of Object.keys(fixed)) {
      if (search?.spaces[method]?.space[name] === undefined) continue;
      const message = `${name} is both fixed and searched`;
      yield {
        path: ['train', 'hyperparameters', method, name],
        at: 'key',
        message,
        suggestion: 'remove one of the two',
      };
    }
  }
}

function unknownName(path: SweepPath, name: string, names: readonly string[]): Contradiction {
  const near = didYouMean(name, names);
  const suggestion = near === undefined ? `the space has ${names.join(', ') || 'nothing'}` : `did you mean ${near}?`;
  return { path, message: `${JSON.stringify(name)} is not in the space`, suggestion };
}

/** Names of everything that has a value, dotted inside groups. */
export function leafNames(space: SearchSpace, prefix = ''): string[] {
  return Object.entries(space).flatMap(([name, distribution]) =>
    'group' in distribution ? leafNames(distribution.group, `${prefix}${name}.`) : [`${prefix}${name}`],
  );
}
