import type { SweepRecord, TrialRecord, TrialWhy } from '@adctl/protocol';
import { isFinal } from '@adctl/protocol';
import { REASONS } from '../reasons.js';

export interface WhySnapshot {
  readonly record: TrialRecord;
  readonly sweep: SweepRecord;
  /** Those of the sweeps it waits for that are paused. */
  readonly pausedBefore: readonly string[];
  readonly nowMs: number;
  /** Trials of this sweep dispatched or running. */
  readonly sweepInFlight: number;
  /** The class of the sweep's workers, and what it has. */
  readonly class: string;
  readonly slots: number;
  readonly window: number;
  readonly classInFlight: number;
  readonly owner: string;
  /** Trials of the owner dispatched or running, over all classes, and the most they may have. */
  readonly ownerInFlight: number;
  readonly ownerSlots: number;
  /** See `DispatchClass.overdue`. */
  readonly overdue: boolean;
  /** What pools know of the class. */
  readonly classReasons: readonly TrialWhy['reasons'][number][];
  /** Seconds since the lease was last renewed; undefined without a lease. */
  readonly secondsSinceRenewal: number | undefined;
}

/** No worker of a class can take trials. */
export const noWorkers = (name: string): TrialWhy['reasons'][number] => ({
  code: 'no_workers',
  message: `no worker of class ${name} is ready`,
});

/** Explains where a trial is and what holds it there: the binding constraint first. Pure. */
export function explainTrial(snapshot: WhySnapshot): TrialWhy {
  const { record } = snapshot;
  const reasons = [...reasonsOf(snapshot)];
  if (record.reason !== undefined) reasons.push({ code: 'last_change', message: record.reason });
  return { version: 1, trial: record.trial, state: record.state, reasons };
}

function* reasonsOf(snapshot: WhySnapshot): Generator<TrialWhy['reasons'][number]> {
  const { record, sweep, nowMs } = snapshot;
  if (isFinal(record.state)) {
    yield { code: 'final', message: `ended ${record.state}${record.finishedAt ? ` at ${record.finishedAt}` : ''}` };
    return;
  }
  if (record.cancelRequest !== undefined) {
    const { by, deadline, pause } = record.cancelRequest;
    yield {
      code: pause ? 'pausing' : 'cancelling',
      message: `${pause ? 'pause' : 'cancel'} asked for by ${by}; its worker has until ${deadline} to save a checkpoint`,
    };
  }
  if (record.state === 'running') {
    const seen = snapshot.secondsSinceRenewal;
    const renewal = seen === undefined ? 'no lease seen yet' : `lease renewed ${Math.round(seen)} s ago`;
    yield { code: 'running', message: `attempt ${record.attempt} on worker ${record.worker ?? 'unknown'}, ${renewal}` };
    return;
  }
  if (record.state === 'dispatched') {
    yield snapshot.slots === 0
      ? noWorkers(snapshot.class)
      : {
          code: 'in_queue',
          message: `in the work queue, waiting for one of ${snapshot.slots} slots of class ${snapshot.class}`,
        };
    yield* snapshot.classReasons;
    return;
  }
  if (sweep.state === 'paused') yield { code: 'sweep_paused', message: `sweep ${sweep.sweep} is paused` };
  if (sweep.after !== undefined) yield { code: 'sweep_queued', message: REASONS.waitsFor(sweep.after) };
  for (const paused of snapshot.pausedBefore) {
    yield { code: 'sweep_paused', message: REASONS.waitsForPaused(paused) };
  }
  if (record.state === 'paused') return;
  if (record.notBefore !== undefined && Date.parse(record.notBefore) > nowMs) {
    yield {
      code: 'back_off',
      message: `not before ${record.notBefore}, after ${record.failures.length} failed attempts`,
    };
  }
  if (snapshot.sweepInFlight >= sweep.parallel) {
    yield {
      code: 'parallel',
      message: `${snapshot.sweepInFlight} trials of the sweep are in flight; limits.parallel is ${sweep.parallel}`,
    };
  }
  if (snapshot.ownerInFlight >= snapshot.ownerSlots) {
    yield {
      code: 'owner_quota',
      message: `${snapshot.ownerInFlight} trials of ${snapshot.owner} are in flight; the quota is ${snapshot.ownerSlots}`,
    };
  }
  if (snapshot.overdue) {
    yield {
      code: 'held_back',
      message: `a trial of class ${snapshot.class} has waited too long in the work queue and goes first`,
    };
  }
  if (snapshot.classInFlight >= snapshot.window) {
    yield snapshot.slots === 0
      ? noWorkers(snapshot.class)
      : {
          code: 'window',
          message: `${snapshot.classInFlight} trials are dispatched or running for ${snapshot.slots} slots of class ${snapshot.class}`,
        };
    yield* snapshot.classReasons;
  }
  yield { code: 'waiting_turn', message: 'waits for its turn among the queued trials' };
}
