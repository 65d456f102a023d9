import {
  type FinalState,
  isFinal,
  type SweepRecord,
  TRIAL_STATES,
  type TrialId,
  type TrialRecord,
  type TrialState,
} from '@adctl/protocol';
import type { SearchEnding } from '../plan/finalists.js';
import type { FrozenSweep } from '../plan/frozen-sweep.js';
import type { TrialPlan } from '../plan/trial-plan.js';

/** A record with the revision to compare and set. */
export interface TrialEntry {
  readonly record: TrialRecord;
  readonly revision: number;
}

/** Trials by state. */
export type StateCounts = Record<TrialState, number>;

export function noCounts(): StateCounts {
  return Object.fromEntries(TRIAL_STATES.map((state) => [state, 0])) as StateCounts;
}

/**
 * What the controller holds in memory of one active sweep: the records of trials that are not final, indexed for
 * dispatch; of final ones only two numbers each. So memory and work per trial do not grow with the trials that ended.
 */
export class SweepBook {
  readonly counts: StateCounts = noCounts();
  /** Completed trials taken over from identical ones. */
  reused = 0;
  /** See `DispatchSweep.lastServed`. */
  lastServed = 0;
  /** Indices below `record.expanded` that have no record: a crash came between the creation of two neighbours. */
  readonly missing: number[] = [];
  /** `record.expanded` as last written; memory runs ahead of it. */
  writtenExpanded: number;
  readonly #live = new Map<TrialId, TrialEntry>();
  readonly #ready = new Set<TrialId>();
  readonly #waiting = new Map<TrialId, number>();
  /** Trials in the queue, oldest first, with the starts of their class when they were dispatched. */
  readonly #dispatched = new Map<TrialId, { readonly dispatchedAt: string | undefined; readonly starts: number }>();
  /** By index; kept for search trials, which are ranked when the last has ended. */
  readonly #endings: (SearchEnding | undefined)[] = [];

  constructor(
    readonly frozen: FrozenSweep,
    readonly plan: TrialPlan,
    public record: SweepRecord,
    public revision: number,
    /** Trials of the class started so far, shared by its sweeps. */
    private readonly classStarts: { count: number } = { count: 0 },
  ) {
    this.writtenExpanded = record.expanded;
  }

  /** Notes the sweep's own record as written. */
  note(record: SweepRecord, revision: number): void {
    this.record = record;
    this.revision = revision;
    this.writtenExpanded = record.expanded;
  }

  get inFlight(): number {
    return this.counts.dispatched + this.counts.running;
  }

  /** How many trials of the class have started since the one that has waited longest in the queue was put there. */
  get startsPassedBy(): number {
    for (const { starts } of this.#dispatched.values()) return this.classStarts.count - starts;
    return 0;
  }

  /** Trials that are not final. */
  get live(): number {
    return this.#live.size;
  }

  /** All trials of the phases begun so far. */
  get planned(): number {
    return this.record.searchTrials + (this.record.finalists === undefined ? 0 : (this.record.reportTrials ?? 0));
  }

  /** Positions of the finalists' configurations. */
  get finalistPositions(): readonly number[] {
    return (this.record.finalists ?? []).map(({ configurationIndex }) => configurationIndex);
  }

  /** Trials that could be dispatched now. */
  get available(): number {
    if (!this.isRunning) return 0;
    return this.#ready.size + this.missing.length + Math.max(0, this.planned - this.record.expanded);
  }

  /** Whether trials may be started: neither paused nor being cancelled nor over, and not waiting for another sweep. */
  get isRunning(): boolean {
    const { state, cancelRequest, after } = this.record;
    return (state === 'search' || state === 'report') && cancelRequest === undefined && after === undefined;
  }

  get(trial: TrialId): TrialEntry | undefined {
    return this.#live.get(trial);
  }

  entries(): IterableIterator<TrialEntry> {
    return this.#live.values();
  }

  /** Notes a record as written. Call for every change, in order; a new generation of a final trial names its old state. */
  put(entry: TrialEntry, retriedFrom?: TrialState): void {
    const { record } = entry;
    const before = this.#live.get(record.trial)?.record.state ?? retriedFrom;
    if (before !== undefined) this.counts[before] -= 1;
    this.counts[record.state] += 1;
    this.#ready.delete(record.trial);
    this.#waiting.delete(record.trial);
    this.#noteDispatched(record);
    if (isFinal(record.state)) {
      this.#live.delete(record.trial);
      if (record.reusedFrom !== undefined) this.reused += 1;
      if (record.phase === 'search') this.#endings[record.index] = toEnding(record, record.state);
      return;
    }
    if (retriedFrom !== undefined && record.phase === 'search') this.#endings[record.index] = undefined;
    this.#live.set(record.trial, entry);
    if (record.state !== 'queued' || record.ending !== undefined) return;
    if (record.notBefore === undefined) this.#ready.add(record.trial);
    else this.#waiting.set(record.trial, Date.parse(record.notBefore));
  }

  #noteDispatched({ trial, state, dispatchedAt }: TrialRecord): void {
    const before = this.#dispatched.get(trial);
    if (state === 'dispatched' && before?.dispatchedAt === dispatchedAt && before !== undefined) return;
    this.#dispatched.delete(trial);
    if (state === 'dispatched') this.#dispatched.set(trial, { dispatchedAt, starts: this.classStarts.count });
    else if (before !== undefined && state !== 'queued' && state !== 'paused') this.classStarts.count += 1;
  }

  /** Moves trials whose back-off has passed to the ready ones. @returns when the next one is due, or null. */
  release(nowMs: number): number | null {
    let next: number | null = null;
    for (const [trial, dueMs] of this.#waiting) {
      if (dueMs <= nowMs) {
        this.#waiting.delete(trial);
        this.#ready.add(trial);
      } else if (next === null || dueMs < next) next = dueMs;
    }
    return next;
  }

  /** Takes the next queued trial out of the ready ones, oldest first; undefined when there is none. */
  takeReady(): TrialEntry | undefined {
    for (const trial of this.#ready) {
      this.#ready.delete(trial);
      return this.#live.get(trial);
    }
    return undefined;
  }

  /** Gives a taken trial back when it could not be dispatched. */
  giveBack(trial: TrialId): void {
    if (this.#live.get(trial)?.record.state === 'queued') this.#ready.add(trial);
  }

  /** Report trials that completed or were stopped. */
  get completedReports(): number {
    const searched = [...this.endings()].filter(({ state }) => state === 'completed' || state === 'stopped').length;
    return this.counts.completed + this.counts.stopped - searched;
  }

  /** How the search trials ended. */
  *endings(): Generator<SearchEnding> {
    for (const ending of this.#endings) if (ending !== undefined) yield ending;
  }
}

function toEnding(record: TrialRecord, state: FinalState): SearchEnding {
  return { index: record.index, state, objective: record.objective };
}
