import { type AttemptRecord, type FailureClass, SweepId, TrialId, type TrialRecord, WorkerId } from '@adctl/protocol';

export const NOW = new Date('2026-11-23T12:00:00.000Z');
export const SWEEP = SweepId.parse('toy-12345678');
export const TRIAL = TrialId.parse('t000000-12345678');
export const WORKER = WorkerId.parse('w-a');

/** A trial's record; a test states only what matters to it. */
export function trialRecord(changes: Partial<TrialRecord> = {}): TrialRecord {
  return {
    version: 1,
    sweep: SWEEP,
    trial: TRIAL,
    index: 0,
    phase: 'search',
    state: 'queued',
    attempt: 0,
    generation: 0,
    failures: [],
    queuedAt: NOW.toISOString(),
    ...changes,
  };
}

/** A failed attempt; every attempt has a message of its own unless one is given. */
export function failedAttempt(
  attempt: number,
  failureClass: FailureClass,
  failure: Partial<AttemptRecord['failure']> = {},
): AttemptRecord {
  return {
    version: 1,
    attempt,
    worker: WORKER,
    class: failureClass,
    failure: { code: `code_${attempt}`, kind: 'transient', message: `failure ${attempt}`, details: {}, ...failure },
    endedAt: NOW.toISOString(),
  };
}
