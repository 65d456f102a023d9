import type { TrialRecord } from '@adctl/protocol';
import { inBatches } from '../batches.js';
import { type ControllerContext, failureLimits, isoNow, nowOf } from '../context.js';
import type { SweepBook, TrialEntry } from '../observe/sweep-book.js';
import { foldFact } from '../plan/fold-fact.js';
import { REASONS } from '../reasons.js';
import { orderStop } from './fold-facts.js';
import { finishTrial } from './results.js';
import { takeBack } from './take-back.js';
import { writeTrial } from './write-trial.js';

/** Default time a worker has to save a checkpoint after a pause or cancel, in ack waits (design: graceful with deadline). */
const DEADLINE_ACK_WAITS = 1;

/**
 * Brings the live trials of a paused or cancelling sweep to where they should be: messages out of the queue, workers told,
 * queued trials of a cancelled sweep ended. Level-based; what was done already is left alone.
 */
export async function stopTrials(context: ControllerContext, book: SweepBook): Promise<void> {
  const pause = book.record.state === 'paused';
  const { cancelRequest } = book.record;
  if (!pause && cancelRequest === undefined) return;
  const pending = [...book.entries()].filter(({ record }) => needsStop(record, cancelRequest === undefined));
  await inBatches(pending, (entry) => stopTrial(context, book, entry));
}

function needsStop(record: TrialRecord, pauseOnly: boolean): boolean {
  if (record.state === 'dispatched') return true;
  if (record.state === 'running')
    return record.cancelRequest === undefined || (!pauseOnly && record.cancelRequest.pause);
  return !pauseOnly;
}

async function stopTrial(context: ControllerContext, book: SweepBook, entry: TrialEntry): Promise<void> {
  const { record } = entry;
  const { cancelRequest } = book.record;
  if (record.queueSequence !== undefined && record.state === 'dispatched') {
    await context.messaging.queue.remove(record.queueSequence);
  }
  if (record.state === 'running') return askToStop(context, book, entry);
  if (cancelRequest === undefined) {
    await writeTrial(context, book, entry, {
      ...record,
      state: 'queued',
      queueSequence: undefined,
      dispatchedAt: undefined,
      queuedAt: isoNow(context),
    });
    return;
  }
  const ending = { state: 'cancelled', reason: REASONS.cancelled(cancelRequest.by) } as const;
  const end = await finishTrial(context, book, record, ending, undefined);
  const folded = foldFact(record, end, { now: nowOf(context), limits: failureLimits(context, book) });
  if (folded.fold === 'changed') await writeTrial(context, book, entry, folded.record);
}

async function askToStop(context: ControllerContext, book: SweepBook, entry: TrialEntry): Promise<void> {
  const { cancelRequest } = book.record;
  const at = isoNow(context);
  const deadline = cancelRequest?.deadline ?? pauseDeadline(context);
  const by = cancelRequest?.by ?? book.record.owner;
  const asked: TrialRecord = {
    ...entry.record,
    cancelRequest: { at, deadline, by, pause: cancelRequest === undefined },
    reason: cancelRequest === undefined ? REASONS.paused : REASONS.cancelling(by),
  };
  const written = await writeTrial(context, book, entry, asked);
  if (Date.parse(deadline) <= context.clock.now()) await takeBack(context, book, written.record, 'preempted');
  await orderStop(context, asked);
}

export function pauseDeadline(context: ControllerContext): string {
  return new Date(context.clock.now() + DEADLINE_ACK_WAITS * context.times.ackWaitMs).toISOString();
}
