import type { Clock, LeaseTimes, Messaging, StateBucket } from '@adctl/messaging';
import type { Sha256, SweepId, TrialWhy } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import type { Logger } from 'pino';
import type { StatusNoted } from './apply/sweep-status.js';
import type { Measures } from './metrics/metrics.js';
import type { Fleet } from './observe/fleet.js';
import type { HeldSweep } from './observe/held-sweeps.js';
import type { LeaseBoard } from './observe/lease-board.js';
import type { SweepBook } from './observe/sweep-book.js';
import type { FailureLimits } from './plan/failure-policy.js';
import type { OwnerPolicies } from './plan/owner-policy.js';
import type { FindCard } from './plan/trial-plan.js';
import type { ResultIndex } from './results/result-index.js';

/** Counters for people and tests; they only rise. */
export interface Counters {
  /** Facts that would have moved a trial where no move leads. */
  illegalTransitions: number;
  /** Facts of superseded attempts or generations, and repeats. */
  ignoredFacts: number;
  /** Trials whose result was taken over. */
  reused: number;
  /** Trials put into the queue, or reused instead. */
  dispatched: number;
}

/** Why a class has no more workers than it has, for people: what pools know (unschedulable, circuit open, at its maximum). */
export type ExplainClass = (name: string) => readonly TrialWhy['reasons'][number][];

/** What every part of the controller works with. */
export interface ControllerContext {
  readonly messaging: Messaging;
  readonly objects: ObjectStore;
  readonly sweeps: StateBucket;
  readonly trials: StateBucket;
  readonly leases: StateBucket;
  readonly identities: StateBucket;
  readonly submissions: StateBucket;
  readonly findCard: FindCard;
  readonly codeVersionOf: (method: string) => Sha256;
  readonly clock: Clock;
  readonly times: LeaseTimes;
  readonly logger: Logger;
  readonly fleet: Fleet;
  readonly leaseBoard: LeaseBoard;
  readonly results: ResultIndex;
  /** Sweeps that are not over. */
  readonly books: Map<SweepId, SweepBook>;
  /** Status objects of sweeps as this controller last wrote them. */
  readonly statuses: Map<SweepId, StatusNoted>;
  /** Sweeps that are not over and cannot go on as they are stored. */
  readonly held: Map<SweepId, HeldSweep>;
  /** Queue messages of another version that were told of. */
  strangers: ReadonlySet<number>;
  readonly counters: Counters;
  readonly measures: Measures;
  /** Trials started by class, while this controller runs. */
  readonly starts: Map<string, { count: number }>;
  /** Weights and quotas of owners. */
  readonly owners: OwnerPolicies;
  readonly explainClass: ExplainClass;
  /** Whether everybody may change everybody's sweeps. */
  readonly sharedControl: boolean;
  /**
   * Writes issued one after the other become durable in that order or together, whatever store part they go to (embedded:
   * one database, one process). Then a record and its message need not wait for each other.
   */
  readonly orderedWrites: boolean;
  /** Goes into every record written; undefined where there is no election. See `chooseTerm`. */
  term: number | undefined;
  /** Asks for another turn soon. */
  readonly wake: () => void;
  /** Tells that work comes to an end, step by step: whoever watches over this process knows that it does not hang. */
  readonly pulse: () => void;
}

export function nowOf(context: Pick<ControllerContext, 'clock'>): Date {
  return new Date(context.clock.now());
}

export function isoNow(context: Pick<ControllerContext, 'clock'>): string {
  return nowOf(context).toISOString();
}

/** Budgets of one sweep's trials. */
export function failureLimits(context: Pick<ControllerContext, 'times'>, book: SweepBook): FailureLimits {
  return { maxAttempts: book.frozen.sweep.limits.maxAttempts, timeScale: context.times.ackWaitMs / 60_000 };
}
