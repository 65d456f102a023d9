import type { Leaderboard, LeaderboardGroup, LeaderboardRow, SweepId } from '@adctl/protocol';
import {
  type FigureLookup,
  foldRow,
  type LeaderboardResult,
  type SearchEffort,
  totalSeconds,
} from './leaderboard-row.js';

/** What a sweep set out to do, so that trials without a result are noticed. */
export interface ExpectedTrials {
  readonly classes: readonly string[];
  readonly reportSeeds: readonly number[];
}

export interface LeaderboardOptions {
  /** The published figure for exactly these classes, if any. */
  readonly published?: FigureLookup;
  /** Without it, a sweep is taken to have meant the classes and report seeds that its results show. */
  readonly expected?: (sweep: SweepId) => ExpectedTrials | undefined;
}

/**
 * Folds results into a leaderboard; a pure function that does not depend on their order, so it can be deleted and
 * rebuilt identically.
 *
 * - Groups hold what may be compared: data set and digest, protocol, split seed and class set are equal.
 * - A row is a configuration over all its report seeds and classes; the same configuration from several sweeps is one
 *   row. Report trials alone feed the numbers; search trials count as effort.
 * - A row with a missing or unfinished report trial is shown without a rank, with the reason; so is a method without
 *   any report trial.
 * - Of several results for one (class, seed) a completed one counts, then the highest generation, then the newest.
 */
export function foldLeaderboard(results: Iterable<LeaderboardResult>, options: LeaderboardOptions = {}): Leaderboard {
  const inOrder = [...results].sort(byIdentity);
  const expectations = expectPerSweep(inOrder, options);
  const groups = new Map<string, OpenGroup>();
  const groupOf = new Map<Expectation, OpenGroup>();
  for (const [i, result] of inOrder.entries()) {
    const expectation = expectations[i] as Expectation;
    let group = groupOf.get(expectation);
    if (group === undefined) {
      const { name, digest, protocol, splitSeed } = result.spec.dataset;
      const { classes } = expectation;
      const key = JSON.stringify([name, digest, protocol, splitSeed, classes]);
      const head = { dataset: name, dataDigest: digest, protocol, splitSeed, classes: [...classes] };
      group = groups.get(key) ?? { head, methods: new Map() };
      groups.set(key, group);
      groupOf.set(expectation, group);
    }
    const { method } = result.spec;
    const ofMethod = group.methods.get(method);
    if (ofMethod === undefined) group.methods.set(method, [{ result, expectation }]);
    else ofMethod.push({ result, expectation });
  }
  const folded = [...groups.values()].map(({ head, methods }): LeaderboardGroup => {
    const rows = [...methods].flatMap(([method, ofMethod]) => rowsOfMethod(method, ofMethod, head, options));
    return { ...head, rows: rankRows(rows) };
  });
  folded.sort(
    (a, b) =>
      compare(a.dataset, b.dataset) ||
      compare(a.protocol, b.protocol) ||
      compare(a.classes.join(), b.classes.join()) ||
      a.splitSeed - b.splitSeed ||
      compare(a.dataDigest, b.dataDigest),
  );
  return { version: 1, groups: folded };
}

/** What one sweep meant to run on one data set. */
interface Expectation {
  readonly classes: readonly string[];
  /** Report seeds, ascending. */
  readonly seeds: readonly number[];
}

interface PlacedResult {
  readonly result: LeaderboardResult;
  readonly expectation: Expectation;
}

interface OpenGroup {
  readonly head: Omit<LeaderboardGroup, 'rows'>;
  readonly methods: Map<string, PlacedResult[]>;
}

/**
 * The expectation of each result, by position. A sweep has one data set and one split seed, but a fold must not lump
 * two together if an input ever mixes them.
 */
function expectPerSweep(results: readonly LeaderboardResult[], options: LeaderboardOptions): Expectation[] {
  const seen = new Map<string, { sweep: SweepId; classes: Set<string>; seeds: Set<number> }>();
  let previous: LeaderboardResult['spec'] | undefined;
  let key = '';
  const keys = results.map(({ spec }) => {
    const { sweep, dataset, phase, seed } = spec;
    // Results come sorted by sweep, so the key is nearly always the one before.
    if (previous === undefined || !isSameData(spec, previous)) {
      key = JSON.stringify([sweep, dataset.name, dataset.digest, dataset.protocol, dataset.splitSeed]);
    }
    previous = spec;
    let entry = seen.get(key);
    if (entry === undefined) {
      entry = { sweep, classes: new Set(), seeds: new Set() };
      seen.set(key, entry);
    }
    entry.classes.add(dataset.normal);
    if (phase === 'report') entry.seeds.add(seed);
    return key;
  });
  const expectations = new Map<string, Expectation>();
  for (const [of, { sweep, classes, seeds }] of seen) {
    const told = options.expected?.(sweep);
    expectations.set(of, {
      classes: [...new Set([...classes, ...(told?.classes ?? [])])].sort(compare),
      seeds: [...new Set([...seeds, ...(told?.reportSeeds ?? [])])].sort((a, b) => a - b),
    });
  }
  return keys.map((of) => expectations.get(of) as Expectation);
}

function isSameData(a: LeaderboardResult['spec'], b: LeaderboardResult['spec']): boolean {
  return (
    a.sweep === b.sweep &&
    a.dataset.name === b.dataset.name &&
    a.dataset.digest === b.dataset.digest &&
    a.dataset.protocol === b.dataset.protocol &&
    a.dataset.splitSeed === b.dataset.splitSeed
  );
}

function rowsOfMethod(
  method: string,
  placed: readonly PlacedResult[],
  head: Omit<LeaderboardGroup, 'rows'>,
  options: LeaderboardOptions,
): LeaderboardRow[] {
  const results = placed.map(({ result }) => result);
  const effortOf = searchEffort(results);
  const byConfiguration = Map.groupBy(placed, ({ result }) => result.spec.configuration);
  const common = { method, head, published: options.published };
  const rows = [...byConfiguration].flatMap(([configuration, members]): LeaderboardRow[] => {
    const own = members.map(({ result }) => result);
    const report = own.filter(({ spec }) => spec.phase === 'report');
    if (report.length === 0) return [];
    const expectations = new Set(members.map(({ expectation }) => expectation));
    const seeds = new Set([...expectations].flatMap((expectation) => expectation.seeds));
    const effort = effortOf(new Set(own.map(({ spec }) => spec.sweep)));
    const ascending = [...seeds].sort((a, b) => a - b);
    return [foldRow({ ...common, configuration, own, report, effort, seeds: ascending })];
  });
  if (rows.length > 0) return rows;
  const effort = effortOf(new Set(results.map(({ spec }) => spec.sweep)));
  return [foldRow({ ...common, configuration: null, own: results, report: [], effort, seeds: [] })];
}

/** Adds up a method's search trials by sweep once; the answer for some sweeps is then a short sum. */
function searchEffort(results: readonly LeaderboardResult[]): (sweeps: Iterable<SweepId>) => SearchEffort {
  const search = results.filter(({ spec }) => spec.phase === 'search');
  const bySweep = new Map(
    [...Map.groupBy(search, ({ spec }) => spec.sweep)].map(([sweep, ofSweep]) => [
      sweep,
      { configurations: new Set(ofSweep.map(({ spec }) => spec.configuration)), seconds: totalSeconds(ofSweep) },
    ]),
  );
  return (sweeps) => {
    const parts = [...sweeps].map((sweep) => bySweep.get(sweep)).filter((part) => part !== undefined);
    if (parts.length === 1) return parts[0] as SearchEffort;
    return {
      configurations: new Set(parts.flatMap(({ configurations }) => [...configurations])),
      seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    };
  };
}

/** Best mean first; equal means share a rank; rows without a rank follow. Names decide the order of equals. */
function rankRows(rows: readonly LeaderboardRow[]): LeaderboardRow[] {
  const sorted = [...rows].sort(
    (a, b) =>
      Number(a.unrankedReason !== null) - Number(b.unrankedReason !== null) ||
      (b.auroc?.mean ?? -1) - (a.auroc?.mean ?? -1) ||
      compare(a.method, b.method) ||
      compare(a.configuration ?? '', b.configuration ?? ''),
  );
  let rank = 0;
  return sorted.map((row, i) => {
    if (row.unrankedReason !== null) return row;
    if (row.auroc?.mean !== sorted[i - 1]?.auroc?.mean) rank = i + 1;
    return { ...row, rank };
  });
}

/** A total order that no arrival order can change. */
function byIdentity(a: LeaderboardResult, b: LeaderboardResult): number {
  return (
    compare(a.spec.sweep, b.spec.sweep) ||
    a.spec.index - b.spec.index ||
    compare(a.spec.trial, b.spec.trial) ||
    a.generation - b.generation ||
    compare(a.endedAt, b.endedAt) ||
    compare(JSON.stringify(a), JSON.stringify(b))
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
