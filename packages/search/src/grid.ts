import { type HyperparameterValue, type MethodSpace, type PartialPoint, userError } from '@adctl/protocol';
import { type Axis, createAxes, matches, toPoint } from './axes.js';
import type { Point } from './search-space.js';

/** All points of a space in a fixed order, none of them held in memory. */
export interface Grid {
  /** Exact number of points after `when` and `exclude`. */
  readonly size: number;
  /**
   * The point at a position; the last axis varies fastest.
   * @throws RangeError when index is not an integer in 0 .. size - 1.
   */
  at(index: number): Point;
}

/**
 * What the choices so far mean for the rest: bit r is set while exclude rule r still matches everything chosen, and a
 * bit for each condition name that has matched. Two prefixes with equal states have equally many ways to go on.
 */
type State = string;

/** States met while counting; more than this means rules so entangled that counting would take too long. */
const MAX_STATES = 200_000;

/**
 * Plans the grid of one method. Points are counted, not made: the number of ways to complete a prefix depends only on
 * which rules still match it, so it is computed once for each axis and such state (a grid without rules has one state
 * an axis). A hyperparameter whose `when` does not hold is absent and counts as one choice; an absent one matches no rule.
 *
 * @throws AdctlError user `invalid_search_space` for a contradictory space, `empty_search_space` when everything is
 * excluded, `search_space_too_large` beyond 2^53 points or too entangled rules.
 */
export function createGrid(method: MethodSpace): Grid {
  const axes = createAxes(method, true);
  const rules = createRules(axes, method.exclude);
  const counts = axes.map(() => new Map<State, Ways>());
  let states = 0;

  const waysFrom = (depth: number, state: State): number => {
    if (depth === axes.length) return 1;
    return waysAt(depth, state).total;
  };
  const waysAt = (depth: number, state: State): Ways => {
    const known = counts[depth]?.get(state);
    if (known !== undefined) return known;
    if (++states > MAX_STATES) throw tooLarge('its exclude and when rules are too entangled to count');
    const ways = countWays(depth, state, rules, axes[depth] as Axis, (next) => waysFrom(depth + 1, next));
    if (ways.total > Number.MAX_SAFE_INTEGER) throw tooLarge('it has more than 2^53 points');
    counts[depth]?.set(state, ways);
    return ways;
  };

  const start = rules.start;
  const size = waysFrom(0, start);
  if (size === 0) throw userError('empty_search_space', 'every point is excluded', { hint: 'Exclude fewer points.' });
  return {
    size,
    at(index) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
        throw new RangeError(`index must be in 0 .. ${size - 1}, got ${index}`);
      }
      const chosen: { keys: readonly string[]; value: HyperparameterValue }[] = [];
      let rest = index;
      let state = start;
      for (const [depth, axis] of axes.entries()) {
        const { choice, before, next } = waysAt(depth, state).find(rest);
        rest -= before;
        state = next;
        if (choice === undefined) continue;
        for (const { keys, distribution } of axis.members) chosen.push({ keys, value: distribution.at(choice) });
      }
      return toPoint(chosen);
    },
  };
}

function tooLarge(reason: string) {
  return userError('search_space_too_large', `the search space cannot be planned: ${reason}`, {
    hint: 'Use fewer values, or algorithm: random.',
  });
}

/** How many points begin with each choice of one axis. */
interface Ways {
  readonly total: number;
  /** The choice that holds the n-th of these points, and how many points stand before it; no choice: the axis is absent. */
  find(n: number): { choice: number | undefined; before: number; next: State };
}

function countWays(depth: number, state: State, rules: Rules, axis: Axis, waysAfter: (next: State) => number): Ways {
  if (!rules.exists(depth, state)) {
    const next = rules.afterAbsent(depth, state);
    return {
      total: next === undefined ? 0 : waysAfter(next),
      find: () => ({ choice: undefined, before: 0, next: next as State }),
    };
  }
  if (!rules.concerns(depth)) {
    const next = rules.after(depth, state, 0) as State;
    const each = waysAfter(next);
    return {
      total: each * axis.size,
      find(n) {
        const choice = Math.floor(n / each);
        return { choice, before: choice * each, next };
      },
    };
  }
  const runs = findRuns(depth, state, rules, axis, waysAfter);
  return {
    total: runs.total,
    find(n) {
      // The last run with before <= n: it has at least one point, for runs without points are not kept.
      let low = 0;
      let high = runs.list.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((runs.list[middle] as Run).before <= n) low = middle;
        else high = middle - 1;
      }
      const { first, before, each, next } = runs.list[low] as Run;
      const choice = first + Math.floor((n - before) / each);
      return { choice, before: before + (choice - first) * each, next };
    },
  };
}

/** Neighbouring choices of an axis that leave the rules in the same state. */
interface Run {
  readonly first: number;
  /** Points before the run, and points of each of its choices. */
  readonly before: number;
  readonly each: number;
  readonly next: State;
}

function findRuns(depth: number, state: State, rules: Rules, axis: Axis, waysAfter: (next: State) => number) {
  const list: Run[] = [];
  let total = 0;
  let previous: State | undefined;
  let each = 0;
  for (let choice = 0; choice < axis.size; choice++) {
    const next = rules.after(depth, state, choice);
    if (next === undefined || next !== previous) {
      each = next === undefined ? 0 : waysAfter(next);
      if (next !== undefined && each > 0) list.push({ first: choice, before: total, each, next });
    }
    total += each;
    previous = next;
  }
  return { list, total };
}

/** `when` and `exclude` as steps over axes. */
interface Rules {
  readonly start: State;
  /** Whether any rule looks at the axis's value. */
  concerns(depth: number): boolean;
  exists(depth: number, state: State): boolean;
  /** State after a choice, or undefined when that completes an exclude rule. */
  after(depth: number, state: State, choice: number): State | undefined;
  afterAbsent(depth: number, state: State): State | undefined;
}

/** One name of one rule: flag `flag` stays set only if the axis's value is wanted. */
interface Clause {
  readonly flag: number;
  readonly member: number;
  readonly wanted: PartialPoint[string];
}

/**
 * A state is one character a rule: '1' matches so far, '0' does not; rules no longer needed are '-', so that prefixes
 * that differ only in the past are one state. Rules are the exclude points, then the distinct `when` points.
 */
function createRules(axes: readonly Axis[], exclude: readonly PartialPoint[]): Rules {
  const whens = [
    ...new Map(axes.flatMap(({ conditions }) => conditions).map((when) => [JSON.stringify(when), when])).values(),
  ];
  const points = [...exclude, ...whens];
  const lastNeeded = points.map((point, r) =>
    axes.reduce((last, axis, depth) => {
      const named = axis.members.some(({ name }) => name in point);
      const conditional =
        r >= exclude.length && axis.conditions.some((when) => JSON.stringify(when) === JSON.stringify(point));
      return named || conditional ? depth : last;
    }, -1),
  );
  const clauses = axes.map((axis) =>
    points.flatMap((point, flag): Clause[] =>
      axis.members.flatMap(({ name }, member) =>
        name in point ? [{ flag, member, wanted: point[name] as PartialPoint[string] }] : [],
      ),
    ),
  );
  const conditionsOf = axes.map(({ conditions }) =>
    conditions.map((when) => exclude.length + whens.findIndex((one) => JSON.stringify(one) === JSON.stringify(when))),
  );

  /** @param holds whether the clause's wanted value was chosen. */
  const step = (depth: number, state: State, holds: (clause: Clause) => boolean): State | undefined => {
    const flags = [...state];
    for (const clause of clauses[depth] as Clause[]) if (!holds(clause)) flags[clause.flag] = '0';
    for (const [r, last] of lastNeeded.entries()) {
      if (last !== depth) continue;
      if (r < exclude.length && flags[r] === '1') return undefined;
      flags[r] = '-';
    }
    return flags.join('');
  };
  return {
    start: '1'.repeat(points.length),
    concerns: (depth) => (clauses[depth] as Clause[]).length > 0,
    exists: (depth, state) => (conditionsOf[depth] as number[]).every((r) => state[r] === '1'),
    after: (depth, state, choice) =>
      step(depth, state, ({ member, wanted }) =>
        matches((axes[depth] as Axis).members[member]?.distribution.at(choice) as HyperparameterValue, wanted),
      ),
    afterAbsent: (depth, state) => step(depth, state, () => false),
  };
}
