import {
  FINAL_STATES,
  type SweepSummary,
  type TrialProgress,
  type TrialState,
  type TrialSummary,
} from '@adctl/protocol';

/** One running trial with its newest progress message. */
export interface RunningTrial {
  readonly trial: TrialSummary;
  readonly progress: TrialProgress | undefined;
}

/** Where a followed sweep stands: everything the progress views draw. */
export interface SweepProgress {
  readonly summary: SweepSummary;
  /** Trials of both phases together, as far as known. */
  readonly total: number;
  readonly running: readonly RunningTrial[];
  readonly done: number;
  readonly failed: number;
  readonly reused: number;
  /** Known to the controller or still to be expanded, not running. */
  readonly waiting: number;
  /** Seconds to the end, from the speed seen so far; undefined until there is one. */
  readonly etaSeconds: number | undefined;
}

/** Trials that ended badly: what exit code 1 stands for. */
export const BAD_STATES = ['failed', 'diverged', 'infeasible'] as const satisfies readonly TrialState[];

/** Number of trials of a sweep in any of these states. */
export function countStates(summary: SweepSummary, states: readonly TrialState[]): number {
  return states.reduce((sum, state) => sum + (summary.counts[state] ?? 0), 0);
}

/** Turns what the controller says into what a view draws, and learns the speed from call to call. */
export class ProgressTracker {
  readonly #latest = new Map<string, TrialProgress>();
  #start: { readonly at: number; readonly work: number } | undefined;

  /** @param planned trials of the search and report phases as accepted; the record knows the second only later */
  constructor(private readonly planned: { readonly searchTrials: number; readonly reportTrials: number } | undefined) {}

  /** Takes one progress message; older attempts never overwrite newer ones. */
  note(progress: TrialProgress): void {
    const before = this.#latest.get(progress.trial);
    if (before === undefined || before.attempt <= progress.attempt) this.#latest.set(progress.trial, progress);
  }

  /**
   * @param running the trials running now
   * @param at seconds on any clock that only moves forward
   */
  snapshot(summary: SweepSummary, running: readonly TrialSummary[], at: number): SweepProgress {
    const report = summary.reportTrials ?? this.planned?.reportTrials ?? 0;
    const total = summary.searchTrials + report;
    const ended = countStates(summary, FINAL_STATES);
    const lines = running.map((trial) => ({ trial, progress: this.#progressOf(trial) }));
    const work = ended + lines.reduce((sum, line) => sum + fractionOf(line.progress), 0);
    return {
      summary,
      total,
      running: lines,
      done: countStates(summary, ['completed', 'stopped']),
      failed: countStates(summary, BAD_STATES),
      reused: summary.reused,
      waiting: Math.max(0, total - ended - lines.length),
      etaSeconds: isActive(summary) ? this.#eta(work, total, at, ended) : undefined,
    };
  }

  /** Only what the current attempt said counts. */
  #progressOf(trial: TrialSummary): TrialProgress | undefined {
    const progress = this.#latest.get(trial.trial);
    return progress?.attempt === trial.attempt ? progress : undefined;
  }

  /** Work is counted in trials; speed is measured from the first look on, so that reused trials do not flatter it. */
  #eta(work: number, total: number, at: number, ended: number): number | undefined {
    if (this.#start === undefined) {
      this.#start = { at, work };
      return undefined;
    }
    const seconds = at - this.#start.at;
    const speed = (work - this.#start.work) / seconds;
    return seconds < 3 || speed <= 0 || ended >= total ? undefined : (total - work) / speed;
  }
}

/** Whether a sweep can still move by itself or by `resume`. */
export function isActive(summary: SweepSummary): boolean {
  return summary.state === 'search' || summary.state === 'report' || summary.state === 'paused';
}

/** Share of a trial that is done, in [0, 1]. */
export function fractionOf(progress: TrialProgress | undefined): number {
  if (progress === undefined || progress.epochs === 0) return 0;
  const within = progress.steps === 0 ? 0 : Math.min(1, progress.step / progress.steps);
  return Math.min(1, Math.max(progress.epoch / progress.epochs, within));
}

/**
 * The hyperparameters that tell trials apart: keys whose values differ between trials of one method.
 *
 * @returns for each trial id, its own values of those keys
 */
export function tellApart(trials: readonly TrialSummary[]): Map<string, Record<string, unknown>> {
  const values = new Map<string, Set<string>>();
  const key = (trial: TrialSummary, name: string) => `${trial.method}\n${name}`;
  for (const trial of trials) {
    for (const [name, value] of Object.entries(trial.hyperparameters)) {
      const seen = values.get(key(trial, name)) ?? new Set();
      values.set(key(trial, name), seen.add(JSON.stringify(value)));
    }
  }
  const differs = (trial: TrialSummary, name: string) => (values.get(key(trial, name))?.size ?? 0) > 1;
  return new Map(
    trials.map((trial) => [
      trial.trial,
      Object.fromEntries(Object.entries(trial.hyperparameters).filter(([name]) => differs(trial, name))),
    ]),
  );
}
