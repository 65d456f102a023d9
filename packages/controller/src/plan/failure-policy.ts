import type { AttemptRecord, FailureClass } from '@adctl/protocol';
import { REASONS } from '../reasons.js';

/** What happens after an attempt ended in one failure class. */
export interface FailureRule {
  /** Further attempts this class may have; `Infinity` for what is never the trial's fault. */
  readonly retries: number;
  /** Pause before the next attempt; it doubles with every failure of the class, up to `maxBackOffMs`. */
  readonly backOffMs: number;
  readonly maxBackOffMs: number;
  /** Interruptions never use up `limits.maxAttempts` and are never taken for a deterministic failure. */
  readonly interruption: boolean;
}

/**
 * The table of design section 7. Times are for an ack wait of 60 s and scale with it. Our decisions: memory may be free
 * later or on another worker, so it gets two more tries; a corrupt local copy of the data one; a trial that hung one;
 * the trial's own error one, because some are seldom (the second time in a row with the same code ends it). Lost nodes
 * have a budget only so that a trial that brings its node down stops some day.
 */
export const FAILURE_POLICY: Readonly<Record<FailureClass, FailureRule>> = {
  user: { retries: 1, backOffMs: 1_000, maxBackOffMs: 60_000, interruption: false },
  'oom-gpu': { retries: 2, backOffMs: 10_000, maxBackOffMs: 120_000, interruption: false },
  'oom-host': { retries: 2, backOffMs: 30_000, maxBackOffMs: 300_000, interruption: false },
  data: { retries: 1, backOffMs: 5_000, maxBackOffMs: 60_000, interruption: false },
  timeout: { retries: 1, backOffMs: 0, maxBackOffMs: 0, interruption: false },
  infra: { retries: 20, backOffMs: 1_000, maxBackOffMs: 60_000, interruption: true },
  'node-lost': { retries: 20, backOffMs: 0, maxBackOffMs: 0, interruption: true },
  preempted: { retries: Number.POSITIVE_INFINITY, backOffMs: 0, maxBackOffMs: 0, interruption: true },
};

export interface FailureLimits {
  /** Attempts whose failure counts, from the sweep file. */
  readonly maxAttempts: number;
  /** Ack wait / 60 s: scales every back-off. */
  readonly timeScale: number;
}

export type FailureDecision =
  | { readonly decision: 'retry'; readonly backOffMs: number }
  | { readonly decision: 'fail'; readonly reason: string };

/**
 * Decides about a trial whose attempt just ended badly.
 * @param failures all ended attempts of this generation, the newest last; never empty.
 */
export function planAfterFailure(failures: readonly AttemptRecord[], limits: FailureLimits): FailureDecision {
  const newest = failures.at(-1);
  if (newest === undefined) throw new RangeError('planAfterFailure needs at least one failure');
  const rule = FAILURE_POLICY[newest.class];
  const ofClass = failures.filter((failure) => failure.class === newest.class).length;
  const counted = failures.filter((failure) => !FAILURE_POLICY[failure.class].interruption);

  if (!rule.interruption) {
    if (newest.failure.kind === 'user') return fail(REASONS.userFailure(newest.failure.message));
    if (isRepeated(counted)) return fail(REASONS.sameFailureTwice(newest.failure.code));
    if (counted.length >= limits.maxAttempts) return fail(REASONS.attemptsSpent(counted.length, newest.class));
  }
  if (ofClass > rule.retries) return fail(REASONS.budgetSpent(newest.class, ofClass, newest.failure.message));
  const backOffMs = Math.min(rule.backOffMs * 2 ** (ofClass - 1), rule.maxBackOffMs);
  return { decision: 'retry', backOffMs: Math.round(backOffMs * limits.timeScale) };
}

/** The newest two counted failures are the same one: a third attempt would end the same way. */
function isRepeated(counted: readonly AttemptRecord[]): boolean {
  const [before, newest] = counted.slice(-2);
  if (before === undefined || newest === undefined) return false;
  return (
    before.class === newest.class &&
    before.failure.code === newest.failure.code &&
    before.failure.message === newest.failure.message &&
    // A GPU or host that is full may be free later: memory has a budget instead.
    newest.class !== 'oom-gpu' &&
    newest.class !== 'oom-host'
  );
}

function fail(reason: string): FailureDecision {
  return { decision: 'fail', reason };
}
