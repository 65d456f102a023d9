import { type AttemptRecord, isFinal, type SweepId, type TrialRecord } from '@adctl/protocol';
import type { ResultFacts } from '../plan/fold-fact.js';
import { REASONS } from '../reasons.js';
import type { TrialEvidence } from './find-evidence.js';

/** What was read of the objects that the evidence names. */
export interface ReadEvidence {
  readonly sweep: SweepId;
  readonly evidence: TrialEvidence;
  /** Trials of the search phase. */
  readonly searchTrials: number;
  /** Of the newest generation that has a result. */
  readonly result: ResultFacts | undefined;
  /** Records of failed attempts, with their generation. */
  readonly attempts: readonly { readonly generation: number; readonly attempt: AttemptRecord }[];
  readonly now: Date;
}

/**
 * A trial's record as its objects tell it. A result ends the trial, unless attempts of a later generation show that a person
 * asked for another one. The attempt number is the highest that left anything behind, so that the next claim gets a
 * new one. Pure.
 */
export function makeRecord({ sweep, evidence, searchTrials, result, attempts, now }: ReadEvidence): TrialRecord {
  const { trial, index } = evidence;
  const newest = Math.max(result?.generation ?? 0, ...attempts.map(({ generation }) => generation));
  const failures = attempts.filter(({ generation }) => generation === newest).map(({ attempt }) => attempt);
  const base: TrialRecord = {
    version: 1,
    sweep,
    trial,
    index,
    phase: index < searchTrials ? 'search' : 'report',
    state: 'queued',
    reason: REASONS.rebuilt,
    attempt: Math.max(evidence.attempt, result?.attempt ?? 0),
    generation: newest,
    failures: failures.sort((a, b) => a.attempt - b.attempt),
    queuedAt: now.toISOString(),
  };
  if (result === undefined || result.generation < newest || !isFinal(result.ending.state)) return base;
  return {
    ...base,
    state: result.ending.state,
    reason: result.ending.reason,
    worker: result.worker,
    failures: result.failures.length >= failures.length ? [...result.failures] : failures,
    queuedAt: result.startedAt ?? result.endedAt,
    startedAt: result.startedAt,
    finishedAt: result.endedAt,
    resultKey: result.resultKey,
    reusedFrom: result.reusedFrom,
    objective: result.objective,
  };
}
