import type { StoredQueueEntry } from '@adctl/messaging';
import { isFinal, type Lease, type SweepId, type TrialId, type TrialRecord, type WorkerId } from '@adctl/protocol';
import { holderOf, type LossClass, lossOf } from './loss.js';

/** A trial as the reconciler sees it. */
export interface ObservedTrial {
  readonly record: TrialRecord;
  /** Its lease, if there ever was one. */
  readonly lease: Lease | undefined;
  /** When this controller last saw the lease change, by its own clock: workers' clocks are not compared with ours. */
  readonly leaseSeenAtMs: number;
  /** Its lease cannot be read, so that no worker can claim it or go on with it. */
  readonly leaseSpoilt?: boolean;
  /** Whether workers of its class have slots with nothing to do. */
  readonly idleSlots: boolean;
}

export interface ReconcileSnapshot {
  readonly nowMs: number;
  readonly ackWaitMs: number;
  readonly trials: readonly ObservedTrial[];
  readonly queue: readonly StoredQueueEntry[];
  /** Workers known to be dead: their process ended, or nothing was heard of them for two ack waits. */
  readonly deadWorkers: ReadonlyMap<WorkerId, LossClass>;
  /** No worker from before this controller can be alive (embedded start): every claim is dead. */
  readonly everyClaimDead: boolean;
  /**
   * A worker's process just ended: a message in flight whose trial nobody claimed may have been handed to it. Handing it
   * out again is harmless where a living worker has it, for only one of them can claim.
   */
  readonly workerEnded?: boolean;
  /** The controller has just begun to listen: what was told before is not going to be heard. */
  readonly atStart?: boolean;
  /** Whether a sweep and trial are known and not final; messages of others leave the queue. */
  readonly isLive: (sweep: SweepId, trial: TrialId) => boolean;
}

/** What to mend; each action is harmless when repeated. */
export type ReconcileAction =
  /** Look for a result or an attempt record first; if there is none, take the claim away and queue the trial again. */
  | {
      readonly action: 'take-back';
      readonly sweep: SweepId;
      readonly trial: TrialId;
      readonly why: 'worker-gone' | 'lease-expired' | 'lease-spoilt' | 'released' | 'deadline';
      /** How the attempt counts when nothing is found. */
      readonly class: LossClass;
    }
  /** An ending was noted, but its result was not written, or not told of. */
  | { readonly action: 'finish'; readonly sweep: SweepId; readonly trial: TrialId }
  /** An attempt that ended before anybody listened: fold what it left behind, so that its place in the window is free. */
  | { readonly action: 'catch-up'; readonly sweep: SweepId; readonly trial: TrialId }
  /** Look for a result first; if there is none, publish the message again under a fresh id. */
  | { readonly action: 'republish'; readonly sweep: SweepId; readonly trial: TrialId }
  /** A lease in the way of the next claim: of an ended attempt whose dead worker did not let it go, or one that cannot be read. */
  | { readonly action: 'free-lease'; readonly sweep: SweepId; readonly trial: TrialId }
  /** Put a message into the queue anew that may be in dead hands, or that no worker gets although some wait. */
  | {
      readonly action: 'redeliver';
      readonly sweep: SweepId;
      readonly trial: TrialId;
      readonly sequence: number;
      readonly why: 'worker-ended' | 'stuck';
    }
  /** A message nobody needs. */
  | { readonly action: 'remove'; readonly sequence: number };

/** The fate of a trial that has been dispatched this long without a message is decided, in ack waits. */
const DISPATCH_GRACE = 0.5;
/** An expired lease whose message is still in the queue is taken over by whoever gets the message; we step in later. */
const TAKEOVER_GRACE = 3;
/** A message that nobody got this long although slots are idle is one that the queue will never hand out, in ack waits. */
const STUCK_GRACE = 2;

/** Compares records, leases, queue and workers, and lists what is missing or too much. Pure and level-based. */
export function planReconcile(snapshot: ReconcileSnapshot): ReconcileAction[] {
  const { ackWaitMs, nowMs } = snapshot;
  const queued = new Map(snapshot.queue.map((entry) => [`${entry.sweep}.${entry.trial}`, entry] as const));
  const actions: ReconcileAction[] = [];

  for (const observed of snapshot.trials) {
    const { record } = observed;
    const { sweep, trial } = record;
    if (isFinal(record.state)) continue;
    if (record.ending !== undefined) {
      actions.push({ action: 'finish', sweep, trial });
      continue;
    }
    const message = queued.get(`${sweep}.${trial}`);
    const inQueue = message !== undefined;
    const deadline = record.cancelRequest?.deadline;
    if (snapshot.atStart === true && !snapshot.everyClaimDead && hasEnded(observed)) {
      actions.push({ action: 'catch-up', sweep, trial });
      continue;
    }
    if (isForgottenLease(observed, snapshot) || isSpoiltLease(observed))
      actions.push({ action: 'free-lease', sweep, trial });
    const why = whyClaimDead(observed, snapshot, inQueue);
    if (why !== null) actions.push({ action: 'take-back', sweep, trial, why, class: classOf(observed, why, snapshot) });
    else if (record.state === 'running' && deadline !== undefined && Date.parse(deadline) <= nowMs) {
      actions.push({ action: 'take-back', sweep, trial, why: 'deadline', class: 'preempted' });
    } else if (record.state === 'dispatched' && !inQueue) {
      const dispatchedAtMs = record.dispatchedAt === undefined ? 0 : Date.parse(record.dispatchedAt);
      const grace = snapshot.everyClaimDead ? 0 : DISPATCH_GRACE * ackWaitMs;
      if (nowMs - dispatchedAtMs >= grace) actions.push({ action: 'republish', sweep, trial });
    } else if (message !== undefined && isUnclaimed(observed)) {
      const { sequence } = message;
      if (message.inFlight && snapshot.workerEnded === true) {
        actions.push({ action: 'redeliver', sweep, trial, sequence, why: 'worker-ended' });
      } else if (isStuck(observed, snapshot)) {
        actions.push({ action: 'redeliver', sweep, trial, sequence, why: 'stuck' });
      }
    }
  }
  for (const { sweep, trial, assignment, sequence } of snapshot.queue) {
    // One of another version may be of a sweep that only that version knows.
    if (assignment !== undefined && !snapshot.isLive(sweep, trial)) actions.push({ action: 'remove', sequence });
  }
  return actions;
}

function classOf(
  observed: ObservedTrial,
  why: 'worker-gone' | 'lease-expired' | 'lease-spoilt' | 'released',
  { everyClaimDead, deadWorkers, trials }: ReconcileSnapshot,
): LossClass {
  if (everyClaimDead || why === 'released') return 'preempted'; // nobody's fault
  const holder = holderOf(observed);
  const end = holder === undefined ? undefined : deadWorkers.get(holder);
  return end === undefined ? 'node-lost' : lossOf(observed, end, trials);
}

function isClaimed({ record, lease }: ObservedTrial): boolean {
  return record.state === 'running' || (lease !== undefined && lease.attempt > record.attempt);
}

/** Its last claim was let go: a result, a record of its failure or a release was told of before. */
function hasEnded(observed: ObservedTrial): boolean {
  return isClaimed(observed) && observed.lease?.released === true;
}

function isUnclaimed({ record, lease }: ObservedTrial): boolean {
  return record.state === 'dispatched' && (lease === undefined || lease.attempt <= record.attempt);
}

/** Servers have been seen to keep messages that they never hand out, after restarts and changes of the stream's leader. */
function isStuck({ record, idleSlots }: ObservedTrial, { nowMs, ackWaitMs }: ReconcileSnapshot): boolean {
  return idleSlots && nowMs - Date.parse(record.dispatchedAt ?? record.queuedAt) >= STUCK_GRACE * ackWaitMs;
}

/** The worker died between saying how the attempt ended and letting its lease go. */
function isForgottenLease(
  { record, lease }: ObservedTrial,
  { deadWorkers, everyClaimDead }: ReconcileSnapshot,
): boolean {
  if (lease === undefined || lease.released === true) return false;
  if (record.state === 'running' || lease.attempt !== record.attempt) return false;
  return everyClaimDead || deadWorkers.has(lease.worker);
}

/** Whatever was written over the lease of a trial that nobody has claimed. */
function isSpoiltLease(observed: ObservedTrial): boolean {
  return observed.leaseSpoilt === true && !isClaimed(observed);
}

/** Why nobody works on a claimed trial any more, or null while somebody may. */
function whyClaimDead(
  observed: ObservedTrial,
  snapshot: ReconcileSnapshot,
  inQueue: boolean,
): 'worker-gone' | 'lease-expired' | 'lease-spoilt' | 'released' | null {
  const { ackWaitMs, nowMs } = snapshot;
  const { record, lease, leaseSeenAtMs } = observed;
  if (!isClaimed(observed)) return null;
  if (observed.leaseSpoilt === true) return 'lease-spoilt'; // whoever had it cannot renew it
  if (snapshot.everyClaimDead) return 'worker-gone';
  if (lease === undefined) return inQueue ? null : 'lease-expired';
  if (lease.released === true) {
    return record.state === 'running' && nowMs - leaseSeenAtMs >= DISPATCH_GRACE * ackWaitMs ? 'released' : null;
  }
  if (snapshot.deadWorkers.has(lease.worker)) return 'worker-gone';
  const silentMs = nowMs - leaseSeenAtMs;
  if (silentMs < ackWaitMs) return null;
  return inQueue && silentMs < TAKEOVER_GRACE * ackWaitMs ? null : 'lease-expired';
}
