import type { FailureClass, FinalState, Leaderboard, LeaderboardGroup, LeaderboardRow, SweepId } from '@adctl/protocol';
import {
  type FigureLookup,
  foldRow,
  type LeaderboardResult,
  type RowInput,
  type SearchEffort,
  type SearchPart,
  supersedes,
} from './leaderboard-row.js';
import { addCounts, SearchTotaller, type SearchTotals } from './search-totals.js';

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

/** Results as a leaderboard takes them: those of report trials one by one, those of search trials added up. */
export interface LeaderboardInput {
  readonly report: Iterable<LeaderboardResult>;
  readonly search: Iterable<SearchTotals>;
}

/**
 * Folds results into a leaderboard; a pure function that does not depend on their order, so it can be deleted and
 * rebuilt identically.
 *
 * - Groups hold what may be compared: data set and digest, protocol, split seed and class set are equal.
 * - A row is a configuration over all its report seeds and classes; the same configuration from several sweeps is one
 *   row. Report trials alone feed the numbers; search trials count as effort.
 * - A row misses what a sweep that reported its configuration meant to run. With a missing or unfinished report trial it
 *   is shown without a rank, with the reason; so is a method without any report trial.
 * - A row averages results of the code that its newest sweep ran (of both codes where that one was finished with mixed code),
 *   and counts those of older code. Of several for one (class, seed) the newest counts, in whatever sweep it ran; a cancelled one never counts before another.
 */
export function foldLeaderboard(results: Iterable<LeaderboardResult>, options: LeaderboardOptions = {}): Leaderboard {
  const totaller = new SearchTotaller();
  const report: LeaderboardResult[] = [];
  for (const result of results) {
    if (result.spec.phase === 'report') report.push(result);
    else totaller.add(result);
  }
  return foldTotals({ report, search: totaller.totals() }, options);
}

/** The same with search trials added up already: what it costs depends on configurations and report trials only. */
export function foldTotals(input: LeaderboardInput, options: LeaderboardOptions = {}): Leaderboard {
  const report = [...input.report].sort(byIdentity);
  const search = [...input.search].sort((a, b) => compare(a.sweep, b.sweep) || compare(a.method, b.method));
  const expectations = new Expectations(report, search, options);
  const groups = new Map<string, OpenGroup>();
  const methodOf = (part: SweepData & { readonly method: string }): OpenMethod => {
    const { name, digest, protocol, splitSeed } = part.dataset;
    const { classes } = expectations.of(part);
    const key = JSON.stringify([name, digest, protocol, splitSeed, classes]);
    let group = groups.get(key);
    if (group === undefined) {
      const head = { dataset: name, dataDigest: digest, protocol, splitSeed, classes: [...classes] };
      group = { head, methods: new Map() };
      groups.set(key, group);
    }
    let ofMethod = group.methods.get(part.method);
    if (ofMethod === undefined) {
      ofMethod = { report: [], search: [] };
      group.methods.set(part.method, ofMethod);
    }
    return ofMethod;
  };
  for (const totals of search) methodOf(totals).search.push(totals);
  for (const result of report) methodOf(result.spec).report.push(result);
  const folded = [...groups.values()].map(({ head, methods }): LeaderboardGroup => {
    const common = { head, published: options.published };
    const rows = [...methods].flatMap(([method, own]) => rowsOfMethod({ ...common, method }, own, expectations));
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

/** One sweep on one data set. */
type SweepData = Pick<SearchTotals, 'sweep' | 'dataset'>;

/** What one sweep meant to run on one data set. */
interface Expectation {
  readonly classes: readonly string[];
  /** Report seeds, ascending. */
  readonly seeds: readonly number[];
}

/** A sweep has one data set and one split seed, but a fold must not lump two together if an input ever mixes them. */
class Expectations {
  readonly #seen = new Map<string, { readonly sweep: SweepId; classes: Set<string>; seeds: Set<number> }>();
  readonly #known = new Map<string, Expectation>();

  constructor(
    report: readonly LeaderboardResult[],
    search: readonly SearchTotals[],
    private readonly options: LeaderboardOptions,
  ) {
    for (const totals of search) {
      const seen = this.#open(totals);
      for (const normal of totals.classes) seen.classes.add(normal);
    }
    for (const { spec } of report) {
      const seen = this.#open(spec);
      seen.classes.add(spec.dataset.normal);
      seen.seeds.add(spec.seed);
    }
  }

  of(part: SweepData): Expectation {
    const key = keyOf(part);
    let known = this.#known.get(key);
    if (known === undefined) {
      const { classes, seeds } = this.#open(part);
      const told = this.options.expected?.(part.sweep);
      known = {
        classes: [...new Set([...classes, ...(told?.classes ?? [])])].sort(compare),
        seeds: [...new Set([...seeds, ...(told?.reportSeeds ?? [])])].sort((a, b) => a - b),
      };
      this.#known.set(key, known);
    }
    return known;
  }

  #open(part: SweepData) {
    const key = keyOf(part);
    let seen = this.#seen.get(key);
    if (seen === undefined) {
      seen = { sweep: part.sweep, classes: new Set(), seeds: new Set() };
      this.#seen.set(key, seen);
    }
    return seen;
  }
}

function keyOf({ sweep, dataset }: SweepData): string {
  return JSON.stringify([sweep, dataset.name, dataset.digest, dataset.protocol, dataset.splitSeed]);
}

interface OpenMethod {
  readonly report: LeaderboardResult[];
  readonly search: SearchTotals[];
}

interface OpenGroup {
  readonly head: Omit<LeaderboardGroup, 'rows'>;
  readonly methods: Map<string, OpenMethod>;
}

function rowsOfMethod(
  common: Pick<RowInput, 'head' | 'published' | 'method'>,
  { report, search }: OpenMethod,
  expectations: Expectations,
): LeaderboardRow[] {
  const effort = effortOf(search, report);
  if (report.length === 0) {
    const none = { configuration: null, report, older: 0, seeds: [] };
    return [foldRow({ ...common, ...none, search: addUp(search, null), effort })];
  }
  const byConfiguration = Map.groupBy(report, ({ spec }) => spec.configuration);
  return [...byConfiguration].map(([configuration, all]) => {
    const own = ofNewestCode(all);
    const searched = search.filter((totals) => totals.configurations.has(configuration));
    // Only of sweeps that reported it: the report seeds of one that chose another configuration say nothing of this one.
    const seeds = new Set(own.flatMap(({ spec }) => expectations.of(spec).seeds));
    return foldRow({
      ...common,
      configuration,
      report: own,
      older: all.length - own.length,
      search: addUp(searched, configuration),
      effort,
      seeds: [...seeds].sort((a, b) => a - b),
    });
  });
}

/**
 * Results of the code that the newest sweep ran: an average that takes in older code is a number of neither. A sweep that somebody let
 * finish with mixed code has two; the row says so.
 */
function ofNewestCode(report: readonly LeaderboardResult[]): readonly LeaderboardResult[] {
  const { spec } = report.reduce((newest, result) => (supersedes(result, newest) ? result : newest));
  const versions = new Set(report.flatMap((one) => (one.spec.sweep === spec.sweep ? [one.spec.codeVersion] : [])));
  return report.filter((one) => versions.has(one.spec.codeVersion));
}

/** The search trials of one configuration over several sweeps; of all for null. */
function addUp(search: readonly SearchTotals[], configuration: string | null): SearchPart {
  const endings: Partial<Record<FinalState, number>> = {};
  const retried: Partial<Record<FinalState, number>> = {};
  const failures: Partial<Record<FailureClass, number>> = {};
  for (const totals of search) {
    const counts = configuration === null ? totals : totals.configurations.get(configuration);
    addCounts(endings, counts?.endings ?? {});
    addCounts(retried, counts?.retried ?? {});
    addCounts(failures, counts?.failures ?? {});
  }
  return {
    sweeps: search.map(({ sweep }) => sweep),
    codeVersions: [...new Set(search.flatMap(({ codeVersions }) => [...codeVersions]))],
    trials: search.reduce((sum, { trials }) => sum + trials, 0),
    endings,
    retried,
    failures,
  };
}

/** What a method took in a group: every configuration that anybody looked at, once, and the seconds of all searches. */
function effortOf(search: readonly SearchTotals[], report: readonly LeaderboardResult[]): SearchEffort {
  const tried = new Set<string>(report.map(({ spec }) => spec.configuration));
  for (const { configurations } of search) for (const configuration of configurations.keys()) tried.add(configuration);
  const milliseconds = search.reduce((sum, totals) => sum + totals.milliseconds, 0);
  return { configurations: tried.size, seconds: milliseconds / 1000 };
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
