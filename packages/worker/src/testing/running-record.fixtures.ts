import { SweepId, TrialId, type TrialRecord } from '@adctl/protocol';

export const SWEEP = SweepId.parse('toy-00000000');
export const TRIAL = TrialId.parse('t000000-00000000');

/** The record of a trial that runs, in its so many-th attempt. */
export function runningRecord(attempt: number): TrialRecord {
  return {
    version: 1,
    sweep: SWEEP,
    trial: TRIAL,
    index: 0,
    phase: 'search',
    state: 'running',
    attempt,
    generation: 0,
    failures: [],
    queuedAt: new Date(0).toISOString(),
  };
}
