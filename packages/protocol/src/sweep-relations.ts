import { searchSpaceProblems } from './search-space-problems.js';
import type { SweepPath } from './sweep-issue.js';
import type { SweepDraft } from './sweep-normalize.js';

/** A contradiction between values that are each legal alone; the path is one inside the `Sweep`. */
export interface Contradiction {
  readonly path: SweepPath;
  /** Whether the issue stands at the key or the value. */
  readonly at: 'key' | 'value';
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
    const message = `${objective.metric} cannot be ${objective.goal}d`;
    yield { path: ['objective', 'goal'], at: 'value', message, suggestion: `goal: ${goal}, or leave goal out` };
  }
}

function* inSpaces({ search }: SweepDraft): Generator<Contradiction> {
  if (search === undefined) return;
  for (const [method, space] of Object.entries(search.spaces)) {
    for (const problem of searchSpaceProblems(space, search.algorithm === 'grid')) {
      yield { ...problem, path: ['search', 'spaces', method, ...problem.path] };
    }
  }
}

function* inFixedHyperparameters({ search, train }: SweepDraft): Generator<Contradiction> {
  for (const [method, fixed] of Object.entries(train?.hyperparameters ?? {})) {
    for (const name of Object.keys(fixed)) {
      if (search?.spaces[method]?.space[name] === undefined) continue;
      const path = ['train', 'hyperparameters', method, name];
      yield { path, at: 'key', message: `${name} is both fixed and searched`, suggestion: 'remove one of the two' };
    }
  }
}
