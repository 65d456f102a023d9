import type { SelectionMetrics, TrialId } from '@adctl/protocol';

/** What a running trial says after an epoch; selection metrics only. */
export interface SchedulerReport {
  readonly trial: TrialId;
  /** Finished epochs, from 1. */
  readonly epoch: number;
  readonly selection: SelectionMetrics;
}

/** `stop` ends the trial for good (state `stopped`) and says why, for people. */
export type SchedulerDecision = { readonly action: 'continue' } | { readonly action: 'stop'; readonly reason: string };

/** Decides from reported values whether trials go on. Not pod placement. */
export interface Scheduler {
  readonly name: string;
  /** Pure given the state and reports so far: replaying the same reports gives the same decisions. */
  decide(report: SchedulerReport): SchedulerDecision;
  /** JSON-safe. */
  state(): unknown;
  /** Continues from a saved state. */
  restore(state: unknown): void;
}
