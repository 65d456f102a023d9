import type { Leaderboard, LeaderboardGroup, LeaderboardRow, SweepId } from '@adctl/protocol';
import { type FigureLookup, foldRow, type LeaderboardResult, type RowInput } from './leaderboard-row.js';

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
  const groups = new Map<
    string,
    { readonly head: Omit<LeaderboardGroup, 'rows'>; readonly methods: Map<string, LeaderboardResult[]> }
  >();
  for (const result of inOrder) {
    const { dataset, method } = result.spec;
    const { classes, key } = expectations.get(expectationKey(result)) as Expectation;
    const groupKey = [dataset.name, dataset.digest, dataset.protocol, dataset.splitSeed, key].join('\u0000');
    let group = groups.get(groupKey);
    if (group === undefined) {
      const { name, digest, protocol, splitSeed } = dataset;
      group = {
        head: { dataset: name, dataDigest: digest, protocol, splitSeed, classes: [...classes] },
        methods: new Map(),
      };
      groups.set(groupKey, group);
    }
    const ofMethod = group.methods.get(method);
    if (ofMethod === undefined) group.methods.set(method, [result]);
    else ofMethod.push(result);
  }
  const folded = [...groups.values()].map(({ head, methods }): LeaderboardGroup => {
    const rows = [...methods].flatMap(([method, ofMethod]) =>
      rowsOfMethod(method, ofMethod, head, expectations, options),
    );
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

interface Expectation {
  readonly classes: readonly string[];
  readonly seeds: readonly number[];
  /** The classes as one text. */
  readonly key: string;
}

/** A sweep has one data set, but a fold must not lump two together if an input ever mixes them. */
function expectationKey({ spec }: LeaderboardResult): string {
  return `${spec.sweep} ${spec.dataset.name} ${spec.dataset.protocol} ${spec.dataset.digest}`;
}

function expectPerSweep(results: readonly LeaderboardResult[], options: LeaderboardOptions): Map<string, Expectation> {
  const seen = new Map<string, { sweep: SweepId; classes: Set<string>; seeds: Set<number> }>();
  for (const result of results) {
    const key = expectationKey(result);
    let entry = seen.get(key);
    if (entry === undefined) {
      entry = { sweep: result.spec.sweep, classes: new Set(), seeds: new Set() };
      seen.set(key, entry);
    }
    entry.classes.add(result.spec.dataset.normal);
    if (result.spec.phase === 'report') entry.seeds.add(result.spec.seed);
  }
  const expectations = new Map<string, Expectation>();
  for (const [key, { sweep, classes, seeds }] of seen) {
    const told = options.expected?.(sweep);
    const all = [...new Set([...classes, ...(told?.classes ?? [])])].sort(compare);
    const wanted = [...new Set([...seeds, ...(told?.reportSeeds ?? [])])].sort((a, b) => a - b);
    expectations.set(key, { classes: all, seeds: wanted, key: JSON.stringify(all) });
  }
  return expectations;
}

function rowsOfMethod(
  method: string,
  results: readonly LeaderboardResult[],
  head: Omit<LeaderboardGroup, 'rows'>,
  expectations: ReadonlyMap<string, Expectation>,
  options: LeaderboardOptions,
): LeaderboardRow[] {
  const search = results.filter(({ spec }) => spec.phase === 'search');
  const byConfiguration = Map.groupBy(results, ({ spec }) => spec.configuration);
  const common = { method, head, published: options.published };
  const rows = [...byConfiguration].flatMap(([configuration, own]): LeaderboardRow[] => {
    const report = own.filter(({ spec }) => spec.phase === 'report');
    if (report.length === 0) return [];
    const seeds = new Set(report.flatMap((result) => expectations.get(expectationKey(result))?.seeds ?? []));
    const sweeps = new Set(own.map(({ spec }) => spec.sweep));
    const input: RowInput = {
      ...common,
      configuration,
      own,
      report,
      search: search.filter(({ spec }) => sweeps.has(spec.sweep)),
      seeds: [...seeds].sort((a, b) => a - b),
    };
    return [foldRow(input)];
  });
  if (rows.length > 0) return rows;
  return [foldRow({ ...common, configuration: null, own: results, report: [], search, seeds: [] })];
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
