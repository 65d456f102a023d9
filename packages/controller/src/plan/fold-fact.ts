import type { AttemptRecord, Ending, Failure, Lease, ReleaseEvent, TrialRecord, WorkerId } from '@adctl/protocol';
import { isFinal, type TrialState } from '@adctl/protocol';
import { REASONS } from '../reasons.js';
import { type FailureLimits, planAfterFailure } from './failure-policy.js';
import type { LossClass } from './loss.js';
import { canReach } from './trial-move.js';

/** What a result object says that the trial's record keeps. */
export interface ResultFacts {
  readonly attempt: number;
  readonly generation: number;
  readonly ending: Ending;
  readonly resultKey: string;
  readonly worker: WorkerId | undefined;
  readonly failures: readonly AttemptRecord[];
  readonly startedAt: string | undefined;
  readonly endedAt: string;
  /** Value of the search objective; completed and stopped trials only. */
  readonly objective: number | undefined;
  readonly reusedFrom: TrialRecord['reusedFrom'];
  readonly otherCode: TrialRecord['otherCode'];
}

/** Something that happened to a trial. Facts may arrive late, twice and in any order. */
export type TrialFact =
  /** A worker's claim or renewal. */
  | { readonly fact: 'lease'; readonly lease: Lease }
  /** The result object exists. */
  | { readonly fact: 'result'; readonly result: ResultFacts }
  /** An attempt ended badly. */
  | { readonly fact: 'attempt'; readonly generation: number; readonly attempt: AttemptRecord }
  /** What lies where the result belongs cannot be read, and stands in the way of every other. */
  | {
      readonly fact: 'spoilt';
      readonly generation: number;
      readonly attempt: number;
      readonly resultKey: string;
      readonly failure: Failure;
    }
  /** A worker let go on purpose. */
  | {
      readonly fact: 'release';
      readonly generation: number;
      readonly attempt: number;
      readonly reason: ReleaseEvent['reason'];
    }
  /** The controller took a dead claim away: `attempt` is the number of the claim, `fence` the number it was raised to. */
  | {
      readonly fact: 'lost';
      readonly attempt: number;
      readonly fence: number;
      readonly worker: WorkerId;
      /** `preempted` when the whole deployment was restarted, which is nobody's fault. */
      readonly class: LossClass;
    }
  /** The trial's ending was noted, and its result is still to be written. */
  | { readonly fact: 'decided' };

export interface FoldContext {
  readonly now: Date;
  readonly limits: FailureLimits;
}

/**
 * What one fact makes of a record. `finish`: the controller must write the final result object first and then fold what
 * it finds there. `stop`: the claim's holder must be told to stop, because a person asked for it.
 */
export type Fold =
  | { readonly fold: 'changed'; readonly record: TrialRecord; readonly stop?: boolean }
  | { readonly fold: 'finish'; readonly record: TrialRecord; readonly ending: Ending; readonly failure?: Failure }
  | { readonly fold: 'ignored'; readonly why: 'stale' | 'duplicate' | 'illegal' };

/** Failed attempts kept on a record; of a longer story the oldest interruptions are dropped. */
const KEPT_FAILURES = 50;

/**
 * Applies one fact to a trial's record. Pure, and safe to repeat: facts of another generation, of an attempt that was
 * superseded, or about a trial that is final change nothing. Once an ending was noted, every fact but a result leads there,
 * and one that stands in the way of every result.
 */
export function foldFact(record: TrialRecord, fact: TrialFact, context: FoldContext): Fold {
  if (isFinal(record.state)) return ignored(isRepeatOfFinal(record, fact) ? 'duplicate' : 'stale');
  if (record.ending !== undefined && fact.fact !== 'result' && fact.fact !== 'spoilt') {
    return foldDecided(record, record.ending, fact);
  }
  switch (fact.fact) {
    case 'result':
      return foldResult(record, fact.result);
    case 'lease':
      return foldLease(record, fact.lease, context);
    case 'attempt':
      if (fact.generation !== record.generation) return ignored('stale');
      return foldAttempt(record, fact.attempt, context);
    case 'spoilt':
      if (fact.generation !== record.generation) return ignored('stale');
      return foldSpoilt(record, fact, context);
    case 'release':
      if (fact.generation !== record.generation) return ignored('stale');
      return foldRelease(record, fact.attempt, fact.reason, context);
    case 'lost':
      return foldLost(record, fact, context);
    case 'decided':
      return ignored('stale');
  }
}

/** What comes in between the decision and its result changes no more than the number of the claim. */
function foldDecided(record: TrialRecord, ending: Ending, fact: TrialFact): Fold {
  const attempt = fact.fact === 'lease' ? Math.max(record.attempt, fact.lease.attempt) : record.attempt;
  return { fold: 'finish', record: { ...record, attempt }, ending, failure: record.failures.at(-1)?.failure };
}

/** The result object is the final truth: it wins over every live state. */
function foldResult(record: TrialRecord, result: ResultFacts): Fold {
  if (result.generation !== record.generation) return ignored('stale');
  const { state, reason } = result.ending;
  if (!canReach(record.state, state)) return ignored('illegal');
  return {
    fold: 'changed',
    record: {
      ...withoutLiveMembers(record),
      state,
      reason,
      attempt: Math.max(record.attempt, result.attempt),
      worker: result.worker ?? record.worker,
      failures: result.failures.length >= record.failures.length ? [...result.failures] : record.failures,
      startedAt: result.startedAt ?? record.startedAt,
      finishedAt: result.endedAt,
      resultKey: result.resultKey,
      reusedFrom: result.reusedFrom,
      objective: result.objective,
      otherCode: result.otherCode,
    },
  };
}

/** No attempt can end the trial with a result any more. The key is left out of the record: nobody shall look there. */
function foldSpoilt(record: TrialRecord, fact: Extract<TrialFact, { fact: 'spoilt' }>, context: FoldContext): Fold {
  if (!canReach(record.state, 'failed')) return ignored('illegal');
  const endedAt = context.now.toISOString();
  const spoilt: AttemptRecord = {
    version: 1,
    attempt: Math.max(1, fact.attempt),
    class: 'infra',
    failure: fact.failure,
    endedAt,
  };
  return {
    fold: 'changed',
    stop: true,
    record: {
      ...withoutLiveMembers(record),
      state: 'failed',
      reason: REASONS.resultSpoilt(fact.resultKey),
      attempt: Math.max(record.attempt, fact.attempt),
      failures: kept([...record.failures, spoilt]),
      finishedAt: endedAt,
    },
  };
}

/** A claim moves the trial to running; a claim above the one we knew says that the earlier holder was lost. */
function foldLease(record: TrialRecord, lease: Lease, context: FoldContext): Fold {
  if (lease.released === true || lease.attempt < record.attempt) return ignored('stale');
  if (lease.attempt === record.attempt) return ignored('duplicate');
  const asked = record.cancelRequest !== undefined;
  if (record.state === 'paused' || (asked && record.state !== 'running')) {
    // Claimed in the moment it was withdrawn: the state stays what the person asked for, the worker is told.
    return { fold: 'changed', stop: true, record: { ...record, attempt: lease.attempt, worker: lease.worker } };
  }
  if (!canReach(record.state, 'running') && record.state !== 'running') return ignored('illegal');
  const lost =
    record.state === 'running' ? [lostAttempt(record, record.attempt, record.worker, 'node-lost', context.now)] : [];
  const failures = [...record.failures, ...lost];
  const decision = lost.length > 0 ? planAfterFailure(failures, context.limits) : undefined;
  const running: TrialRecord = {
    ...record,
    state: 'running',
    reason: undefined,
    attempt: lease.attempt,
    worker: lease.worker,
    failures: kept(failures),
    startedAt: lease.renewedAt,
    notBefore: undefined,
  };
  if (decision?.decision === 'fail') {
    return {
      fold: 'finish',
      record: running,
      ending: { state: 'failed', reason: decision.reason },
      failure: lost[0]?.failure,
    };
  }
  return { fold: 'changed', record: running, ...(asked ? { stop: true } : {}) };
}

function foldAttempt(record: TrialRecord, attempt: AttemptRecord, context: FoldContext): Fold {
  const stale = whyStale(record, attempt.attempt);
  if (stale !== null) return ignored(stale);
  const failures = [...record.failures, attempt];
  const ended: TrialRecord = {
    ...record,
    attempt: attempt.attempt,
    worker: attempt.worker ?? record.worker,
    failures: kept(failures),
  };
  const asked = afterRequest(ended, context);
  if (asked !== null) return asked;
  const decision = planAfterFailure(failures, context.limits);
  if (decision.decision === 'fail') {
    return {
      fold: 'finish',
      record: ended,
      ending: { state: 'failed', reason: decision.reason },
      failure: attempt.failure,
    };
  }
  return toQueued(ended, REASONS.retryAfter(attempt.class, attempt.attempt), context.now, decision.backOffMs);
}

function foldRelease(record: TrialRecord, attempt: number, reason: ReleaseEvent['reason'], context: FoldContext): Fold {
  const stale = whyStale(record, attempt);
  if (stale !== null) return ignored(stale);
  const released: TrialRecord = { ...record, attempt };
  return (
    afterRequest(released, context) ??
    toQueued(released, reason === 'drained' ? REASONS.drained : undefined, context.now, 0)
  );
}

function foldLost(record: TrialRecord, fact: Extract<TrialFact, { fact: 'lost' }>, context: FoldContext): Fold {
  if (fact.attempt < record.attempt) return ignored('stale');
  const lost = lostAttempt(record, fact.attempt, fact.worker, fact.class, context.now);
  const failures = [...record.failures, lost];
  const fenced: TrialRecord = { ...record, attempt: fact.fence, failures: kept(failures) };
  const asked = afterRequest(fenced, context);
  if (asked !== null) return asked;
  const decision = planAfterFailure(failures, context.limits);
  if (decision.decision === 'fail') {
    return {
      fold: 'finish',
      record: fenced,
      ending: { state: 'failed', reason: decision.reason },
      failure: lost.failure,
    };
  }
  return toQueued(fenced, lost.failure.message, context.now, decision.backOffMs);
}

/** A claim that ended on a trial a person wanted paused or cancelled: that is what it becomes. */
function afterRequest(record: TrialRecord, context: FoldContext): Fold | null {
  const { cancelRequest } = record;
  if (cancelRequest !== undefined && !cancelRequest.pause) {
    return {
      fold: 'finish',
      record,
      ending: { state: 'cancelled', reason: REASONS.cancelled(cancelRequest.by) },
    };
  }
  if (cancelRequest?.pause === true || record.state === 'paused') {
    return {
      fold: 'changed',
      record: {
        ...withoutLiveMembers(record),
        state: 'paused',
        reason: REASONS.paused,
        queuedAt: context.now.toISOString(),
      },
    };
  }
  return null;
}

function toQueued(record: TrialRecord, reason: string | undefined, now: Date, backOffMs: number): Fold {
  const state: TrialState = 'queued';
  if (record.state !== state && !canReach(record.state, state)) return ignored('illegal');
  return {
    fold: 'changed',
    record: {
      ...withoutLiveMembers(record),
      state,
      reason,
      queuedAt: now.toISOString(),
      notBefore: backOffMs > 0 ? new Date(now.getTime() + backOffMs).toISOString() : undefined,
    },
  };
}

/** An ending of attempt n counts while n is running, or when n is newer than anything seen. */
function whyStale(record: TrialRecord, attempt: number): 'stale' | 'duplicate' | null {
  if (attempt > record.attempt) return null;
  if (attempt < record.attempt) return 'stale';
  const open = record.state === 'running' || record.state === 'paused' || record.cancelRequest !== undefined;
  if (!open) return 'duplicate';
  return record.failures.some((failure) => failure.attempt === attempt) ? 'duplicate' : null;
}

function isRepeatOfFinal(record: TrialRecord, fact: TrialFact): boolean {
  return fact.fact === 'result' && fact.result.resultKey === record.resultKey;
}

function lostAttempt(
  record: TrialRecord,
  attempt: number,
  worker: WorkerId | undefined,
  failureClass: LossClass,
  now: Date,
): AttemptRecord {
  return {
    version: 1,
    attempt: Math.max(1, attempt),
    worker,
    class: failureClass,
    failure: {
      code: failureClass === 'oom-host' ? 'worker_out_of_memory' : 'worker_lost',
      kind: 'transient',
      message: REASONS.workerLost(worker ?? 'unknown', failureClass),
      details: {},
    },
    startedAt: record.startedAt,
    endedAt: now.toISOString(),
  };
}

/** What only a live claim or message has. */
function withoutLiveMembers(record: TrialRecord): TrialRecord {
  return {
    ...record,
    queueSequence: undefined,
    ending: undefined,
    notBefore: undefined,
    cancelRequest: undefined,
    dispatchedAt: undefined,
  };
}

/** Bounds the story: counted failures stay, the oldest interruptions go first. */
function kept(failures: AttemptRecord[]): AttemptRecord[] {
  let surplus = failures.length - KEPT_FAILURES;
  if (surplus <= 0) return failures;
  return failures.filter((failure) => {
    if (surplus === 0 || (failure.class !== 'preempted' && failure.class !== 'node-lost')) return true;
    surplus -= 1;
    return false;
  });
}

function ignored(why: 'stale' | 'duplicate' | 'illegal'): Fold {
  return { fold: 'ignored', why };
}
