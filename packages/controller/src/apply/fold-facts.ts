import { isFinal, orderTopic, type TrialId, type TrialRecord, type WorkerOrder } from '@adctl/protocol';
import { type ControllerContext, failureLimits, nowOf } from '../context.js';
import type { SweepBook, TrialEntry } from '../observe/sweep-book.js';
import { type Fold, foldFact, type TrialFact } from '../plan/fold-fact.js';
import { type HeldTime, heldTime } from '../plan/held-time.js';
import { finishTrial, specOf } from './results.js';
import { identityKey } from './reuse.js';
import { writeTrial } from './write-trial.js';

/**
 * Folds facts about one trial, in order, and writes the record once at the end. Every step before that write is
 * harmless to repeat, so a crash anywhere leaves a trial that the next look brings to the same end.
 */
export async function foldFacts(
  context: ControllerContext,
  book: SweepBook,
  trial: TrialId,
  facts: readonly TrialFact[],
): Promise<void> {
  let before = book.get(trial);
  if (before === undefined) return; // final: nothing changes it any more
  const { record: known } = before;
  let record = known;
  let stop = false;
  let byWorker = false;
  const held: HeldTime[] = [];
  for (const fact of facts) {
    const folded = await foldOne(context, book, { before, record }, fact);
    before = folded.before;
    byWorker = isFinal(folded.record.state) && !folded.finished && fact.fact === 'result';
    const time = folded.record === record ? null : heldTime(record, fact, nowOf(context));
    if (time !== null) held.push(time);
    record = folded.record;
    stop ||= folded.stop;
  }
  if (record === known) return;
  // A worker acks the message of a trial it finished. In every other case the message goes now: a late ack of the old one
  // must not take the next one away.
  const { queueSequence } = known;
  if (queueSequence !== undefined && record.queueSequence === undefined && !byWorker) {
    await context.messaging.queue.remove(queueSequence);
  }
  // Not awaited one after the other, so that a store that orders writes makes both durable in one go. Losing the identity
  // in a crash costs one chance of reuse and nothing else.
  const remembered = record.state === 'completed' ? rememberIdentity(context, book, record) : undefined;
  await Promise.all([remembered, writeTrial(context, book, before, record)]);
  // Only now: what could not be written is folded again.
  const { class: className } = book.frozen;
  if (context.fleet.hasGpus(className)) for (const time of held) context.measures.gpuHeld(className, time);
  if (stop) await orderStop(context, record);
}

/** The record as it is stored, and what the facts so far make of it. */
interface FoldedSoFar {
  readonly before: TrialEntry;
  readonly record: TrialRecord;
}

async function foldOne(
  context: ControllerContext,
  book: SweepBook,
  { before, record }: FoldedSoFar,
  fact: TrialFact,
): Promise<FoldedSoFar & { readonly stop: boolean; readonly finished: boolean }> {
  const foldContext = { now: nowOf(context), limits: failureLimits(context, book) };
  const folded = foldFact(record, fact, foldContext);
  switch (folded.fold) {
    case 'ignored':
      if (folded.why === 'illegal') {
        context.counters.illegalTransitions += 1;
        context.logger.warn(
          { sweep: record.sweep, trial: record.trial, state: record.state, fact },
          'illegal move refused',
        );
      } else context.counters.ignoredFacts += 1;
      return { before, record, stop: false, finished: false };
    case 'changed':
      return { before, record: folded.record, stop: folded.stop === true, finished: false };
    case 'finish': {
      const noted = await noteEnding(context, book, before, folded);
      const end = await finishTrial(context, book, folded.record, folded.ending, folded.failure);
      const final = foldFact(folded.record, end, foldContext);
      return { before: noted, record: final.fold === 'changed' ? final.record : record, stop: false, finished: true };
    }
  }
}

/**
 * Notes an ending that follows from failures before its result is written: that fences it. A deposed leader is refused here
 * and writes no result; one that was refused later has left its successor an ending to carry out, and no attempt that the
 * result could meet. What a person asked for stands in the records already.
 */
async function noteEnding(
  context: ControllerContext,
  book: SweepBook,
  before: TrialEntry,
  { record, ending }: Extract<Fold, { fold: 'finish' }>,
): Promise<TrialEntry> {
  const isNoted = before.record.ending !== undefined || ending.state === 'cancelled';
  return isNoted ? before : writeTrial(context, book, before, { ...record, ending });
}

/**
 * So that an identical trial of a later sweep takes the result over. The first one stays. An identity names the planned code: what
 * other code trained has none.
 */
async function rememberIdentity(context: ControllerContext, book: SweepBook, record: TrialRecord): Promise<void> {
  if (record.reusedFrom !== undefined || record.otherCode !== undefined) return;
  const planned = book.plan.at(record.index, book.finalistPositions);
  const spec = planned.trial === record.trial ? planned : await specOf(context, book, record);
  const { identity, sweep, trial } = spec;
  await context.identities.create(identityKey(book.frozen.class, identity), {
    version: 1,
    sweep,
    trial,
    resultKey: record.resultKey,
  });
}

/** Tells the holder of a claim to stop. Lost messages do no harm: the lease decides. */
export async function orderStop(context: ControllerContext, record: TrialRecord): Promise<void> {
  if (record.worker === undefined) return;
  const { sweep, trial, attempt, worker, state, cancelRequest } = record;
  const reason = isFinal(state) ? 'fenced' : cancelRequest?.pause === false ? 'cancelled' : 'paused';
  const order: WorkerOrder = {
    version: 1,
    order: 'stop-trial',
    sweep,
    trial,
    attempt,
    reason,
    checkpoint: reason !== 'fenced',
  };
  await context.messaging.control.publish(orderTopic(worker), order);
}
