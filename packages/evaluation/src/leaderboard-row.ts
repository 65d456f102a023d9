import type {
  AttemptRecord,
  Ending,
  EngineUse,
  FinalState,
  LeaderboardClass,
  LeaderboardGroup,
  LeaderboardRow,
  PublishedFigure,
  PublishedPixelFigure,
  SeedSummary,
  Sha256,
  SweepId,
  TestMetrics,
  TrialDataset,
  TrialResult,
  TrialSpec,
} from '@adctl/protocol';
import { mean } from './moments.js';
import type { Counts, EndingCounts } from './search-totals.js';
import { summarizeSeeds } from './seed-summary.js';

/** The part of a result a leaderboard reads. */
export interface LeaderboardResult
  extends Pick<
    TrialResult,
    | 'generation'
    | 'selection'
    | 'test'
    | 'pixel'
    | 'untrained'
    | 'backbone'
    | 'parameters'
    | 'imagesPerSecond'
    | 'scoredPerSecond'
    | 'endedAt'
  > {
  readonly spec: Pick<
    TrialSpec,
    'sweep' | 'trial' | 'index' | 'phase' | 'method' | 'hyperparameters' | 'configuration' | 'seed' | 'codeVersion'
  > & { readonly dataset: Pick<TrialDataset, 'name' | 'digest' | 'protocol' | 'splitSeed' | 'normal'> };
  readonly ending: Pick<Ending, 'state'>;
  readonly failures: readonly Pick<AttemptRecord, 'class'>[];
  /** How earlier generations of the trial ended. */
  readonly earlier?: readonly FinalState[] | undefined;
  /** Seconds that all its attempts held their slots, as far as they were recorded. */
  readonly spentSeconds: number;
  /** Absent in results that were indexed before it was. */
  readonly engine?: EngineUse | undefined;
}

/** Finds what a paper claims for exactly this method, metric, data set, protocol and set of normal classes. */
export type FigureLookup = (question: {
  readonly method: string;
  readonly metric: 'auroc' | 'pixelAuroc' | 'pro';
  readonly dataset: string;
  readonly protocol: string;
  /** Sorted; one class, or all that a row averages. */
  readonly classes: readonly string[];
}) => Omit<PublishedPixelFigure, 'difference'> | undefined;

/** What a method took in a group. */
export interface SearchEffort {
  /** Searched or reported. */
  readonly configurations: number;
  readonly seconds: number;
}

/** Search trials of a row, over all sweeps that ran it. */
export interface SearchPart extends EndingCounts {
  readonly sweeps: readonly SweepId[];
  readonly codeVersions: readonly Sha256[];
  readonly trials: number;
}

/** Everything one row is folded from. */
export interface RowInput {
  readonly method: string;
  readonly head: Omit<LeaderboardGroup, 'rows'>;
  readonly published: FigureLookup | undefined;
  /** Null for a method without any report trial. */
  readonly configuration: string | null;
  /** Its search trials; all of the method's without a configuration. */
  readonly search: SearchPart;
  /** Computed by the code of the newest sweep that reported it; by several where that one was finished with mixed code. */
  readonly report: readonly LeaderboardResult[];
  /** Report trials of the configuration that are not averaged: older code computed them. */
  readonly older: number;
  readonly effort: SearchEffort;
  /** Report seeds that were meant to run, ascending. */
  readonly seeds: readonly number[];
}

type Completed = LeaderboardResult & { readonly test: TestMetrics };

/** Folds one row; its rank is given by the group. */
export function foldRow(input: RowInput): LeaderboardRow {
  const { method, head, configuration, search, report, older, effort, seeds } = input;
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
  const pixels = pixelSummaries(overSeeds);
  return {
    rank: null,
    unrankedReason: unrankedReason(input, cell),
    method,
    configuration,
    hyperparameters: configuration === null ? null : (report[0]?.spec.hyperparameters ?? null),
    backbone: backboneOf(report),
    sweeps: [...new Set([...search.sweeps, ...report.map(({ spec }) => spec.sweep)])].sort(),
    seeds: wholeSeeds,
    auroc,
    averagePrecision: overSeeds(({ test }) => test.averagePrecision),
    fprAt95Tpr: overSeeds(({ test }) => test.fprAt95Tpr),
    untrainedAuroc: overSeeds(({ untrained }) => untrained?.auroc),
    selectionAuroc: overSeeds(({ selection }) => selection?.auroc),
    ...pixels,
    parameters: onlyValue(report.map(({ parameters }) => parameters)),
    trainedPerSecond: meanOf(report.map(({ imagesPerSecond }) => imagesPerSecond)),
    scoredPerSecond: meanOf(report.map(({ scoredPerSecond }) => scoredPerSecond)),
    classes: classes.map((normal) => {
      const ofClass = seeds.map((seed) => completed(seed, normal)).filter((result) => result !== undefined);
      return foldClass(input, normal, ofClass);
    }),
    configurationsTried: effort.configurations,
    searchSeconds: effort.seconds,
    // A reused result counts what it once took.
    reportSeconds: report.reduce((sum, { spentSeconds }) => sum + spentSeconds, 0),
    endings: sumOf(search.endings, countBy(report.map(({ ending }) => ending.state))),
    retried: sumOf(search.retried, countBy(report.flatMap(({ earlier = [] }) => earlier))),
    failures: sumOf(
      search.failures,
      countBy(report.flatMap(({ failures }) => failures.map((attempt) => attempt.class))),
    ),
    ...publishedFigures(input, classes, { auroc, ...pixels }),
    codeVersions: [
      ...new Set(report.length > 0 ? report.map(({ spec }) => spec.codeVersion) : search.codeVersions),
    ].sort(),
    olderTrials: older,
    engines: enginesOf([...cells.values()].filter(isCompleted)),
  };
}

/** Each engine once; null for those that do not tell. */
function enginesOf(results: readonly LeaderboardResult[]): LeaderboardRow['engines'] {
  const engines = new Map(results.map(({ engine = null }) => [JSON.stringify(engine), engine]));
  return [...engines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, engine]) => engine);
}

/** Equal in all results: a configuration is one choice of hyperparameters, which names backbone and weights. */
function backboneOf(results: readonly LeaderboardResult[]): LeaderboardRow['backbone'] {
  const used = results.find(({ backbone }) => backbone !== undefined)?.backbone;
  return used === undefined ? null : { architecture: used.architecture, weights: used.weights };
}

function foldClass(input: RowInput, normal: string, results: readonly Completed[]): LeaderboardClass {
  const overSeeds = (of: (result: Completed) => number | undefined) =>
    summarizeWhere(results.map((result) => [of(result)]));
  const auroc = overSeeds(({ test }) => test.auroc);
  const pixels = pixelSummaries(overSeeds);
  return {
    normal,
    auroc,
    averagePrecision: overSeeds(({ test }) => test.averagePrecision),
    fprAt95Tpr: overSeeds(({ test }) => test.fprAt95Tpr),
    untrainedAuroc: overSeeds(({ untrained }) => untrained?.auroc),
    ...pixels,
    ...publishedFigures(input, [normal], { auroc, ...pixels }),
  };
}

function pixelSummaries(overSeeds: (of: (result: Completed) => number | undefined) => SeedSummary | null) {
  return {
    pixelAuroc: overSeeds(({ pixel }) => pixel?.auroc),
    pixelAveragePrecision: overSeeds(({ pixel }) => pixel?.averagePrecision),
    pro: overSeeds(({ pixel }) => pixel?.pro),
  };
}

/** The value that all who tell one agree on, else null. */
function onlyValue(values: readonly (number | undefined)[]): number | null {
  const told = new Set(values.filter((value) => value !== undefined));
  const [value] = told;
  return told.size === 1 && value !== undefined ? value : null;
}

function meanOf(values: readonly (number | undefined)[]): number | null {
  const told = values.filter((value) => value !== undefined);
  return told.length === 0 ? null : mean(told);
}

/** Summarises only when no seed lacks the number: a mean over whichever seeds have it would compare unlike things. */
function summarizeWhere(bySeed: readonly (readonly (number | undefined)[])[]) {
  const complete = bySeed.every((values) => values.every((value) => value !== undefined));
  return complete ? summarizeSeeds(bySeed as readonly (readonly number[])[]) : null;
}

function isCompleted(result: LeaderboardResult): result is Completed {
  return result.ending.state === 'completed' && result.test !== undefined;
}

/** One result for each (seed, class). */
function chooseCells(report: readonly LeaderboardResult[]): Map<string, LeaderboardResult> {
  const cells = new Map<string, LeaderboardResult>();
  for (const result of report) {
    const key = `${result.spec.seed} ${result.spec.dataset.normal}`;
    const held = cells.get(key);
    if (held === undefined || supersedes(result, held)) cells.set(key, result);
  }
  return cells;
}

/** Whether a result counts instead of another: a cancelled one says nothing, then the newer one does. */
export function supersedes(a: LeaderboardResult, b: LeaderboardResult): boolean {
  const [isCancelled, wasCancelled] = [a, b].map(({ ending }) => ending.state === 'cancelled');
  if (isCancelled !== wasCancelled) return wasCancelled === true;
  if (a.spec.sweep === b.spec.sweep && a.generation !== b.generation) return a.generation > b.generation;
  return a.endedAt > b.endedAt;
}

function unrankedReason(
  { configuration, search, report, head, seeds }: RowInput,
  cell: (seed: number, normal: string) => LeaderboardResult | undefined,
): string | null {
  if (configuration === null) {
    const { completed: _completed, ...short } = search.endings;
    if (Object.keys(short).length === 0) return 'no finalist has a report trial yet';
    return `no finalist: ${describeCounts(short)} of ${search.trials} search trials`;
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
  return describeCounts(
    countBy(results.map(({ ending }) => (ending.state === 'completed' ? 'without metrics' : ending.state))),
  );
}

function describeCounts(counts: Counts<string>): string {
  return Object.keys(counts)
    .sort()
    .map((state) => `${counts[state]} ${state}`)
    .join(', ');
}

/** The sum of two counts, names in order. */
function sumOf<K extends string>(a: Counts<K>, b: Counts<K>): Partial<Record<K, number>> {
  const sum: Partial<Record<K, number>> = {};
  for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort() as K[]) {
    sum[key] = (a[key] ?? 0) + (b[key] ?? 0);
  }
  return sum;
}

type Ours = Readonly<Record<'auroc' | 'pixelAuroc' | 'pro', SeedSummary | null>>;

/** What the paper claims for each metric, beside the same metric of ours. */
function publishedFigures(
  { method, head, published, report }: RowInput,
  classes: readonly string[],
  ours: Ours,
): Pick<LeaderboardRow, 'published' | 'publishedPixelAuroc' | 'publishedPro'> {
  const figureOf = (metric: keyof Ours): PublishedPixelFigure | null => {
    // Numbers that look through a random backbone are not what the paper measured.
    if (backboneOf(report)?.weights === 'random') return null;
    const { dataset, protocol } = head;
    const figure = published?.({ method, metric, dataset, protocol, classes });
    if (figure === undefined) return null;
    const mean = ours[metric]?.mean;
    return { ...figure, difference: mean === undefined ? null : mean - figure.value };
  };
  const auroc = figureOf('auroc');
  return {
    published: auroc === null ? null : toAuroc(auroc),
    publishedPixelAuroc: figureOf('pixelAuroc'),
    publishedPro: figureOf('pro'),
  };
}

/** The image-level figure keeps the name it has always had. */
function toAuroc({ value, ...rest }: PublishedPixelFigure): PublishedFigure {
  return { auroc: value, ...rest };
}

function countBy<K extends string>(keys: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const key of [...keys].sort()) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
