import type { FinalState, TrialRecord } from '@adctl/protocol';
import type { TrialFact } from './fold-fact.js';

/** How long an attempt that has ended held its slot, and whether anything of it remains. */
export interface HeldTime {
  readonly seconds: number;
  /** `useful`: it led to a result, or let go with a checkpoint that the next attempt continues. */
  readonly outcome: 'useful' | 'lost';
}

/** Endings that only a worker writes; the others end a trial whose attempts were counted before. */
const OF_WORKERS: ReadonlySet<FinalState> = new Set(['completed', 'stopped', 'diverged', 'infeasible']);

/** Whether a result of this ending tells of an attempt that nothing else tells of. */
export function endsAttempt(state: FinalState): boolean {
  return OF_WORKERS.has(state);
}

/** Seconds from a claim to an end; 0 when nobody noted the claim. */
export function secondsHeld(from: string | undefined, untilMs: number): number {
  return from === undefined ? 0 : Math.max(0, untilMs - Date.parse(from)) / 1000;
}

/**
 * The time that a fact says an attempt held its slot; null when the fact ends none. Call it for facts that changed the
 * record only: repeats would count twice.
 *
 * @param record before the fact.
 */
export function heldTime(record: TrialRecord, fact: TrialFact, now: Date): HeldTime | null {
  const claimedAt = record.state === 'running' ? record.startedAt : undefined;
  switch (fact.fact) {
    case 'result': {
      const { ending, reusedFrom, startedAt, endedAt } = fact.result;
      if (reusedFrom !== undefined || !endsAttempt(ending.state)) return null;
      return held(startedAt, Date.parse(endedAt), 'useful');
    }
    case 'attempt':
      return held(fact.attempt.startedAt ?? claimedAt, Date.parse(fact.attempt.endedAt), 'lost');
    case 'release':
      return held(claimedAt, now.getTime(), fact.reason === 'cancelled' ? 'lost' : 'useful');
    case 'lost':
    case 'spoilt':
      return held(claimedAt, now.getTime(), 'lost');
    case 'decided':
      return null;
    case 'lease': // a claim above one that was running: that one's holder is gone
      return held(claimedAt, Date.parse(fact.lease.renewedAt), 'lost');
  }
}

function held(from: string | undefined, untilMs: number, outcome: HeldTime['outcome']): HeldTime | null {
  return from === undefined ? null : { seconds: secondsHeld(from, untilMs), outcome };
}
