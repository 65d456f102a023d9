import type { StoredQueueEntry } from '@adctl/messaging';
import type { TrialRecord } from '@adctl/protocol';
import { publishAgain } from './apply/dispatch-trials.js';
import { foldFacts } from './apply/fold-facts.js';
import { mendStatuses } from './apply/sweep-status.js';
import { fence, findLeftovers, takeBack } from './apply/take-back.js';
import { inBatches } from './batches.js';
import type { ControllerContext } from './context.js';
import type { SweepBook } from './observe/sweep-book.js';
import { type ObservedTrial, planReconcile, type ReconcileAction } from './plan/reconcile.js';
import { setApart } from './set-apart.js';

/**
 * Observe → plan → apply: compares records, leases, queue and workers and mends what does not fit. Level-based: it works
 * from what is there, not from what was heard, and repeating it is harmless.
 *
 * @param known.everyClaimDead at an embedded start: whoever held a claim was connected to our predecessor.
 * @param known.workerEnded a worker's process just ended.
 * @param known.atStart the controller has just begun to listen; status objects can wait until it is there for others.
 * @returns how many things were mended.
 */
export async function reconcile(
  context: ControllerContext,
  known: { readonly everyClaimDead?: boolean; readonly workerEnded?: boolean; readonly atStart?: boolean } = {},
): Promise<number> {
  const { everyClaimDead = false, workerEnded = false, atStart = false } = known;
  const begin = performance.now();
  const queue = await context.messaging.queue.contents();
  noteSequences(context, queue);
  noteStrangers(context, queue);
  const actions = planReconcile({
    nowMs: context.clock.now(),
    ackWaitMs: context.times.ackWaitMs,
    trials: observeTrials(context),
    queue,
    deadWorkers: context.fleet.dead(context.clock.now(), context.messaging.contact().sinceMs),
    everyClaimDead,
    workerEnded,
    atStart,
    isLive: (sweep, trial) => context.held.has(sweep) || context.books.get(sweep)?.get(trial) !== undefined,
  });
  await inBatches(actions, (action) => applyApart(context, action).finally(context.pulse));
  if (!atStart) await mendStatuses(context);
  const redelivered = actions.filter(({ action }) => action === 'redeliver' || action === 'republish').length;
  context.measures.reconciled((performance.now() - begin) / 1000, redelivered);
  return actions.length;
}

/** Sequences of messages that an earlier leader published, or whose publishing was interrupted. */
function noteSequences(context: ControllerContext, queue: readonly StoredQueueEntry[]): void {
  for (const { sweep, trial, sequence } of queue) {
    const book = context.books.get(sweep);
    const entry = book?.get(trial);
    if (entry?.record.state !== 'dispatched' && entry?.record.state !== 'running') continue;
    if (entry.record.queueSequence === sequence) continue;
    book?.put({ record: { ...entry.record, queueSequence: sequence }, revision: entry.revision });
  }
}

/** Messages of another version, each told of once. */
function noteStrangers(context: ControllerContext, queue: readonly StoredQueueEntry[]): void {
  const strangers = queue.filter(({ assignment }) => assignment === undefined);
  for (const { sweep, trial, sequence } of strangers) {
    if (context.strangers.has(sequence)) continue;
    context.logger.warn({ sweep, trial, sequence }, 'a queue message of another version is left to its workers');
    context.measures.notUnderstood('queue-message');
  }
  context.strangers = new Set(strangers.map(({ sequence }) => sequence));
}

function observeTrials(context: ControllerContext): ObservedTrial[] {
  const trials: ObservedTrial[] = [];
  const backSince = context.messaging.contact().sinceMs;
  for (const book of context.books.values()) {
    const idleSlots = context.fleet.idleSlotsOf(book.frozen.class) > 0;
    for (const { record } of book.entries()) {
      const seen = context.leaseBoard.get(record.sweep, record.trial);
      const leaseSpoilt = context.leaseBoard.isSpoilt(record.sweep, record.trial);
      if (record.state === 'queued' && seen === undefined && !leaseSpoilt && record.ending === undefined) continue;
      const leaseSeenAtMs = Math.max(seen?.seenAtMs ?? 0, backSince);
      trials.push({ record, lease: seen?.lease, leaseSeenAtMs, leaseSpoilt, idleSlots });
    }
  }
  return trials;
}

/** What cannot be mended now holds up nothing else: the next pass tries again. */
async function applyApart(context: ControllerContext, action: ReconcileAction): Promise<void> {
  const book = 'sweep' in action ? context.books.get(action.sweep) : undefined;
  await setApart(context, book, () => applyAction(context, action));
}

async function applyAction(context: ControllerContext, action: ReconcileAction): Promise<void> {
  if (action.action === 'remove') {
    await context.messaging.queue.remove(action.sequence);
    return;
  }
  const book = context.books.get(action.sweep);
  const record = book?.get(action.trial)?.record;
  if (book === undefined || record === undefined) return;
  context.logger.info({ ...action, state: record.state, attempt: record.attempt }, 'mending');
  if (action.action === 'free-lease') {
    await fence(context, record);
    return;
  }
  if (action.action === 'redeliver') {
    await context.messaging.queue.remove(action.sequence);
    await publishAgain(context, book, record);
    return;
  }
  if (action.action === 'finish') return foldFacts(context, book, record.trial, [{ fact: 'decided' }]);
  if (action.action === 'republish') return republish(context, book, record);
  if (action.action === 'catch-up') return catchUp(context, book, record);
  await takeBack(context, book, record, action.class);
}

/** Where nothing is found, the attempt gave its trial back, and the message tells the rest. */
async function catchUp(context: ControllerContext, book: SweepBook, record: TrialRecord): Promise<void> {
  const found = await findLeftovers(context, book, record);
  if (found !== null) await foldFacts(context, book, record.trial, [found]);
}

async function republish(context: ControllerContext, book: SweepBook, record: TrialRecord): Promise<void> {
  const found = await findLeftovers(context, book, record);
  if (found !== null) return foldFacts(context, book, record.trial, [found]);
  await publishAgain(context, book, record);
}
