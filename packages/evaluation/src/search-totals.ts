import type { FailureClass, FinalState, Sha256, SweepId, TrialDataset } from '@adctl/protocol';
import type { LeaderboardResult } from './leaderboard-row.js';

/** How often something happened, by name. */
export type Counts<K extends string> = Readonly<Partial<Record<K, number>>>;

/** How some trials ended. */
export interface EndingCounts {
  readonly endings: Counts<FinalState>;
  /** How those that were retried had ended before. */
  readonly retried: Counts<FinalState>;
  /** Failed attempts by class. */
  readonly failures: Counts<FailureClass>;
}

/**
 * The search trials of one sweep and method, added up: all that a leaderboard wants to know of them. Its size is that of the
 * configurations, whatever the number of trials.
 */
export interface SearchTotals extends EndingCounts {
  readonly sweep: SweepId;
  readonly method: string;
  readonly dataset: Pick<TrialDataset, 'name' | 'digest' | 'protocol' | 'splitSeed'>;
  /** Normal classes seen. */
  readonly classes: ReadonlySet<string>;
  readonly codeVersions: ReadonlySet<Sha256>;
  readonly trials: number;
  /** Whole milliseconds over all attempts, so that a sum does not depend on its order. */
  readonly milliseconds: number;
  readonly configurations: ReadonlyMap<string, EndingCounts>;
}

interface OpenTotals {
  readonly totals: SearchTotals;
  readonly endings: Partial<Record<FinalState, number>>;
  readonly retried: Partial<Record<FinalState, number>>;
  readonly failures: Partial<Record<FailureClass, number>>;
  readonly classes: Set<string>;
  readonly codeVersions: Set<Sha256>;
  readonly configurations: Map<string, EndingCounts>;
  trials: number;
  milliseconds: number;
}

/** Adds up search trials one by one, in any order. */
export class SearchTotaller {
  readonly #open = new Map<string, OpenTotals>();
  /** Most configurations ended alike: equal counts are one object. */
  readonly #shared = new Map<string, EndingCounts>();

  /** @param result of a search trial. */
  add(result: LeaderboardResult): void {
    const open = this.#of(result.spec);
    const { spec, ending, earlier = [], failures, spentSeconds } = result;
    open.trials += 1;
    open.milliseconds += Math.round(spentSeconds * 1000);
    open.classes.add(spec.dataset.normal);
    open.codeVersions.add(spec.codeVersion);
    addTo(open.endings, ending.state);
    for (const state of earlier) addTo(open.retried, state);
    for (const failure of failures) addTo(open.failures, failure.class);
    const before = open.configurations.get(spec.configuration);
    const after = {
      endings: { ...before?.endings },
      retried: { ...before?.retried },
      failures: { ...before?.failures },
    };
    addTo(after.endings, ending.state);
    for (const state of earlier) addTo(after.retried, state);
    for (const failure of failures) addTo(after.failures, failure.class);
    open.configurations.set(spec.configuration, this.#share(after));
  }

  /** What was added so far, one for each sweep, method and data set; a live view. */
  totals(): SearchTotals[] {
    return [...this.#open.values()].map(({ totals }) => totals);
  }

  #of({ sweep, method, dataset }: LeaderboardResult['spec']): OpenTotals {
    const { name, digest, protocol, splitSeed } = dataset;
    const key = JSON.stringify([sweep, method, name, digest, protocol, splitSeed]);
    let open = this.#open.get(key);
    if (open === undefined) {
      open = openTotals(sweep, method, { name, digest, protocol, splitSeed });
      this.#open.set(key, open);
    }
    return open;
  }

  #share(counts: EndingCounts): EndingCounts {
    const key = JSON.stringify(counts);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    this.#shared.set(key, counts);
    return counts;
  }
}

function openTotals(sweep: SweepId, method: string, dataset: SearchTotals['dataset']): OpenTotals {
  const open = {
    endings: {},
    retried: {},
    failures: {},
    classes: new Set<string>(),
    codeVersions: new Set<Sha256>(),
    configurations: new Map<string, EndingCounts>(),
    trials: 0,
    milliseconds: 0,
  };
  const { endings, retried, failures, classes, codeVersions, configurations } = open;
  const totals: SearchTotals = {
    sweep,
    method,
    dataset,
    endings,
    retried,
    failures,
    classes,
    codeVersions,
    configurations,
    get trials() {
      return open.trials;
    },
    get milliseconds() {
      return open.milliseconds;
    },
  };
  return Object.assign(open, { totals });
}

/** Adds counts to counts. */
export function addCounts<K extends string>(to: Partial<Record<K, number>>, more: Counts<K>): void {
  for (const key of Object.keys(more) as K[]) to[key] = (to[key] ?? 0) + (more[key] ?? 0);
}

function addTo<K extends string>(counts: Partial<Record<K, number>>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
