import type {
  LeaderboardClass,
  LeaderboardGroup,
  LeaderboardRow,
  PublishedFigure,
  TestMetrics,
  TrialResult,
} from '@adctl/protocol';
import { summarizeSeeds } from './seed-summary.js';

/** The part of a result a leaderboard reads. */
export type LeaderboardResult = Pick<
  TrialResult,
  'spec' | 'generation' | 'ending' | 'failures' | 'selection' | 'test' | 'untrained' | 'seconds' | 'endedAt'
>;

/** Finds what a paper claims for exactly this method, data set, protocol and set of normal classes. */
export type FigureLookup = (question: {
  readonly method: string;
  readonly dataset: string;
  readonly protocol: string;
  /** Sorted; one class, or all that a row averages. */
  readonly classes: readonly string[];
}) => Omit<PublishedFigure, 'difference'> | undefined;

/** What the search of a method cost. */
export interface SearchEffort {
  readonly configurations: ReadonlySet<string>;
  readonly seconds: number;
}

/** Everything one row is folded from. */
export interface RowInput {
  readonly method: string;
  readonly head: Omit<LeaderboardGroup, 'rows'>;
  readonly published: FigureLookup | undefined;
  /** Null for a method without any report trial. */
  readonly configuration: string | null;
  /** Results of the configuration, both phases. */
  readonly own: readonly LeaderboardResult[];
  readonly report: readonly LeaderboardResult[];
  /** What the method's search cost in the same sweeps. */
  readonly effort: SearchEffort;
  /** Report seeds that were meant to run, ascending. */
  readonly seeds: readonly number[];
}

type Completed = LeaderboardResult & { readonly test: TestMetrics };

/** Folds one row; its rank is given by the group. */
export function foldRow(input: RowInput): LeaderboardRow {
  const { method, head, configuration, own, report, effort, seeds } = input;
  const { classes } = head;
  const cells = chooseCells(report);
  const cell = (seed: number, normal: string) => cells.get(`${seed} ${normal}`);
  const completed = (seed: number, normal: string): Completed | undefined => {
    const found = cell(seed, normal);
    return found !== undefined && isCompleted(found) ? found : undefined;
  };
  const wholeSeeds = seeds.filter((seed) => classes.every((normal) => completed(seed, normal) !== undefined));
  const overSeeds = (of: (result: Completed) => number | undefined) =>
    summarizeWhere(wholeSeeds.map((seed) => classes.map((normal) => of(completed(seed, normal) as Completed))));
  const auroc = overSeeds(({ test }) => test.auroc);
  return {
    rank: null,
    unrankedReason: unrankedReason(input, cell),
    method,
    configuration,
    hyperparameters: configuration === null ? null : (own[0]?.spec.hyperparameters ?? null),
    sweeps: [...new Set(own.map(({ spec }) => spec.sweep))],
    seeds: wholeSeeds,
    auroc,
    averagePrecision: overSeeds(({ test }) => test.averagePrecision),
    fprAt95Tpr: overSeeds(({ test }) => test.fprAt95Tpr),
    untrainedAuroc: overSeeds(({ untrained }) => untrained?.auroc),
    selectionAuroc: overSeeds(({ selection }) => selection?.auroc),
    classes: classes.map((normal) => {
      const ofClass = seeds.map((seed) => completed(seed, normal)).filter((result) => result !== undefined);
      return foldClass(input, normal, ofClass);
    }),
    configurationsTried: effort.configurations.size,
    searchSeconds: effort.seconds,
    reportSeconds: totalSeconds(report),
    endings: countBy(own.map(({ ending }) => ending.state)),
    failures: countBy(own.flatMap(({ failures }) => failures.map((attempt) => attempt.class))),
    published: publishedFigure(input, classes, auroc?.mean),
    codeVersions: [...new Set((report.length > 0 ? report : own).map(({ spec }) => spec.codeVersion))].sort(),
  };
}

function foldClass(input: RowInput, normal: string, results: readonly Completed[]): LeaderboardClass {
  const overSeeds = (of: (result: Completed) => number | undefined) =>
    summarizeWhere(results.map((result) => [of(result)]));
  const auroc = overSeeds(({ test }) => test.auroc);
  return {
    normal,
    auroc,
    averagePrecision: overSeeds(({ test }) => test.averagePrecision),
    fprAt95Tpr: overSeeds(({ test }) => test.fprAt95Tpr),
    untrainedAuroc: overSeeds(({ untrained }) => untrained?.auroc),
    published: publishedFigure(input, [normal], auroc?.mean),
  };
}

/** Summarises only when no seed lacks the number: a mean over whichever seeds have it would compare unlike things. */
function summarizeWhere(bySeed: readonly (readonly (number | undefined)[])[]) {
  const complete = bySeed.every((values) => values.every((value) => value !== undefined));
  return complete ? summarizeSeeds(bySeed as readonly (readonly number[])[]) : null;
}

function isCompleted(result: LeaderboardResult): result is Completed {
  return result.ending.state === 'completed' && result.test !== undefined;
}

/** One result for each (seed, class): completed before not, then the highest generation, then the newest. */
function chooseCells(report: readonly LeaderboardResult[]): Map<string, LeaderboardResult> {
  const cells = new Map<string, LeaderboardResult>();
  for (const result of report) {
    const key = `${result.spec.seed} ${result.spec.dataset.normal}`;
    const held = cells.get(key);
    if (held === undefined || supersedes(result, held)) cells.set(key, result);
  }
  return cells;
}

function supersedes(a: LeaderboardResult, b: LeaderboardResult): boolean {
  if (isCompleted(a) !== isCompleted(b)) return isCompleted(a);
  if (a.generation !== b.generation) return a.generation > b.generation;
  return a.endedAt > b.endedAt;
}

function unrankedReason(
  { configuration, own, report, head, seeds }: RowInput,
  cell: (seed: number, normal: string) => LeaderboardResult | undefined,
): string | null {
  if (configuration === null) {
    const short = own.filter((result) => result.ending.state !== 'completed');
    if (short.length === 0) return 'no finalist has a report trial yet';
    return `no finalist: ${describeEndings(short)} of ${own.length} search trials`;
  }
  const missing: string[] = [];
  const ended: LeaderboardResult[] = [];
  for (const seed of seeds) {
    for (const normal of head.classes) {
      const found = cell(seed, normal);
      if (found === undefined) missing.push(`class ${normal} seed ${seed}`);
      else if (!isCompleted(found)) ended.push(found);
    }
  }
  const reasons: string[] = [];
  if (ended.length > 0) reasons.push(`${describeEndings(ended)} of ${report.length} report trials`);
  if (missing.length > 0) {
    const shown = missing.slice(0, 3).join(', ');
    const trials = missing.length === 1 ? 'trial' : 'trials';
    reasons.push(`${missing.length} report ${trials} missing: ${shown}${missing.length > 3 ? ', …' : ''}`);
  }
  return reasons.length === 0 ? null : reasons.join('; ');
}

/** `2 failed, 1 diverged`; a completed trial without test metrics says so. */
function describeEndings(results: readonly LeaderboardResult[]): string {
  const counts = countBy(
    results.map(({ ending }) => (ending.state === 'completed' ? 'without metrics' : ending.state)),
  );
  return Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

function publishedFigure(
  { method, head, published }: RowInput,
  classes: readonly string[],
  ours: number | undefined,
): PublishedFigure | null {
  const figure = published?.({ method, dataset: head.dataset, protocol: head.protocol, classes });
  return figure === undefined ? null : { ...figure, difference: ours === undefined ? null : ours - figure.auroc };
}

/** Seconds over all attempts of these trials; a reused result counts what it once took. */
export function totalSeconds(results: readonly LeaderboardResult[]): number {
  return results.reduce((sum, { seconds }) => sum + (seconds?.total ?? 0), 0);
}

function countBy<K extends string>(keys: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const key of [...keys].sort()) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
