import {
  type HyperparameterValue,
  type MethodSpace,
  type PartialPoint,
  type SpaceLeaf,
  searchSpaceProblems,
  spaceLeaves,
  toCanonicalJson,
  userError,
} from '@adctl/protocol';
import { createDistribution, type LeafDistribution } from './distribution.js';
import type { Point } from './search-space.js';

/** One hyperparameter of an axis. */
export interface AxisMember {
  readonly name: string;
  readonly keys: readonly string[];
  readonly distribution: LeafDistribution;
}

/** Hyperparameters chosen together: one alone, or several that are zipped. */
export interface Axis {
  readonly members: readonly AxisMember[];
  /** All must hold for the members to exist. Names of other axes that come earlier. */
  readonly conditions: readonly PartialPoint[];
  /** Values of each member; Infinity when continuous. */
  readonly size: number;
}

/**
 * A space as a list of axes in a fixed order: as written, except that a hyperparameter comes after those its `when`
 * names. Zipped hyperparameters stand where the first of them is.
 *
 * @throws AdctlError user `invalid_search_space` listing every problem with its path.
 */
export function createAxes(method: MethodSpace, grid: boolean): Axis[] {
  const problems = searchSpaceProblems(method, grid);
  if (problems.length > 0) {
    const lines = problems.map(
      ({ path, message, suggestion }) =>
        `${path.join('.')}: ${message}${suggestion === undefined ? '' : ` (${suggestion})`}`,
    );
    throw userError('invalid_search_space', `the search space cannot be used:\n${lines.join('\n')}`, {
      hint: 'Mend the search space.',
      details: { problems },
    });
  }
  const leaves = spaceLeaves(method.space);
  const taken = new Set<string>();
  const unordered: Axis[] = [];
  for (const leaf of leaves) {
    if (taken.has(leaf.name)) continue;
    const names = method.zip.find((group) => group.includes(leaf.name)) ?? [leaf.name];
    const members = names.map((name) => toMember(leaves.find((candidate) => candidate.name === name) as SpaceLeaf));
    for (const name of names) taken.add(name);
    const size = (members[0] as AxisMember).distribution.size;
    unordered.push({ members, conditions: leaf.conditions, size });
  }
  return inOrderOfConditions(unordered);
}

function toMember({ name, keys, distribution }: SpaceLeaf): AxisMember {
  return { name, keys, distribution: createDistribution(distribution) };
}

/** Repeatedly takes the first axis whose conditions are all decided; `searchSpaceProblems` has ruled out circles. */
function inOrderOfConditions(axes: readonly Axis[]): Axis[] {
  const rest = [...axes];
  const ordered: Axis[] = [];
  const decided = new Set<string>();
  while (rest.length > 0) {
    const next = rest.findIndex(({ conditions }) =>
      conditions.every((when) => Object.keys(when).every((name) => decided.has(name))),
    );
    if (next < 0)
      throw userError('invalid_search_space', 'zipped hyperparameters depend on each other', {
        hint: 'Remove one of the when conditions.',
      });
    const [axis] = rest.splice(next, 1) as [Axis];
    ordered.push(axis);
    for (const { name } of axis.members) decided.add(name);
  }
  return ordered;
}

/** Whether a value is the wanted one, or one of the wanted list. */
export function matches(value: HyperparameterValue, wanted: PartialPoint[string]): boolean {
  const same = (a: unknown, b: unknown) =>
    a === b || (typeof a === 'object' && toCanonicalJson(a) === toCanonicalJson(b));
  return Array.isArray(wanted) ? wanted.some((one) => same(value, one)) : same(value, wanted);
}

/** Whether all names of a partial point exist and have wanted values. */
export function matchesPoint(values: ReadonlyMap<string, HyperparameterValue>, wanted: PartialPoint): boolean {
  return Object.entries(wanted).every(([name, one]) => {
    const value = values.get(name);
    return value !== undefined && matches(value, one);
  });
}

/** Nests chosen values by their keys. */
export function toPoint(
  chosen: readonly { readonly keys: readonly string[]; readonly value: HyperparameterValue }[],
): Point {
  const root: Record<string, unknown> = {};
  for (const { keys, value } of chosen) {
    let place = root;
    for (const key of keys.slice(0, -1)) {
      place[key] ??= {};
      place = place[key] as Record<string, unknown>;
    }
    place[keys.at(-1) as string] = value;
  }
  return root as Point;
}
