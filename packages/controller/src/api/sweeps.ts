import type { RetriableState, SweepId, SweepRecord, SweepRetried, SweepSummary } from '@adctl/protocol';
import { publishAgain } from '../apply/dispatch-trials.js';
import { orderStop } from '../apply/fold-facts.js';
import { retryTrials } from '../apply/retry-trials.js';
import { pauseDeadline } from '../apply/stop-trials.js';
import { takeBack } from '../apply/take-back.js';
import { writeSweep, writeTrial } from '../apply/write-trial.js';
import { type ControllerContext, isoNow } from '../context.js';
import { sweepHeld, unknownSweep, wrongSweepState } from '../errors.js';
import { assertNotRebuilt } from '../observe/held-sweeps.js';
import { loadHeldSweep, unacceptedCodeChange } from '../observe/load-sweeps.js';
import type { SweepBook } from '../observe/sweep-book.js';
import { isOver } from '../plan/is-over.js';
import { REASONS } from '../reasons.js';
import { reconcile } from '../reconcile.js';
import type { Archive } from './archive.js';
import { explainSweep } from './trials.js';

/** What a retry takes up that names no states. A diverged trial is none: that is what training came to, and chance may hide it. */
const RETRIED: readonly RetriableState[] = ['failed', 'infeasible', 'cancelled'];

/** Newest first. */
export async function listSweeps(archive: Archive, active: boolean | undefined): Promise<SweepSummary[]> {
  const records = await archive.records();
  const wanted = active === true ? records.filter((record) => !isOver(record)) : records;
  return Promise.all(wanted.map((record) => archive.summarize(record)));
}

/** One sweep, with what it waits for. */
export async function showSweep(context: ControllerContext, archive: Archive, sweep: SweepId): Promise<SweepSummary> {
  const summary = await archive.summarize(await archive.recordOf(sweep));
  const waits = explainSweep(context, sweep);
  return waits === undefined ? summary : { ...summary, waits };
}

/** No trial starts any more; running ones get one ack wait to save a checkpoint. */
export async function pauseSweep(context: ControllerContext, sweep: SweepId): Promise<void> {
  const book = await activeBook(context, sweep, 'paused');
  const { state, cancelRequest } = book.record;
  if (state === 'paused') return;
  if ((state !== 'search' && state !== 'report') || cancelRequest !== undefined) {
    throw wrongSweepState(sweep, cancelRequest === undefined ? state : 'cancelling', 'paused');
  }
  await writeSweep(context, book, { ...book.record, state: 'paused', pausedFrom: state, reason: REASONS.paused });
  context.wake();
}

/** Changes how much of the slots a sweep may have, and when; at once, for what waits in the queue too. */
export async function setSweep(
  context: ControllerContext,
  sweep: SweepId,
  change: { readonly parallel?: number | undefined; readonly priority?: SweepRecord['priority'] | undefined },
): Promise<void> {
  const book = await activeBook(context, sweep, 'changed');
  const { parallel = book.record.parallel, priority = book.record.priority } = change;
  const isMoved = priority !== book.record.priority;
  await writeSweep(context, book, { ...book.record, parallel, priority });
  for (const { record } of isMoved ? [...book.entries()] : []) {
    if (record.state !== 'dispatched' || record.queueSequence === undefined) continue;
    // One that a worker took in this moment is published in vain: only one of two can claim it.
    await context.messaging.queue.remove(record.queueSequence);
    await publishAgain(context, book, record);
  }
  context.wake();
}

export async function resumeSweep(context: ControllerContext, sweep: SweepId): Promise<void> {
  if (context.held.has(sweep)) {
    await takeUp(context, sweep);
    if (context.books.get(sweep)?.record.state !== 'paused') return;
  }
  const book = await activeBook(context, sweep, 'resumed');
  const { state, pausedFrom, cancelRequest } = book.record;
  if (state === 'search' || state === 'report') return;
  if (state !== 'paused' || cancelRequest !== undefined) throw wrongSweepState(sweep, state, 'resumed');
  await writeSweep(context, book, {
    ...book.record,
    state: pausedFrom ?? 'search',
    pausedFrom: undefined,
    reason: undefined,
    ...(unacceptedCodeChange(context, book) === undefined ? {} : { codeChangeAccepted: true }),
  });
  await resumeTrials(context, book);
  context.wake();
}

/** Paused trials are queued again; a pause that a worker has not answered yet is taken back. */
async function resumeTrials(context: ControllerContext, book: SweepBook): Promise<void> {
  const queuedAt = isoNow(context);
  for (const entry of [...book.entries()]) {
    const { record } = entry;
    if (record.state === 'paused') {
      await writeTrial(context, book, entry, { ...record, state: 'queued', reason: REASONS.resumed, queuedAt });
    } else if (record.cancelRequest?.pause === true) {
      // Its worker may be stopping already: then it releases the trial, which is queued again.
      await writeTrial(context, book, entry, { ...record, cancelRequest: undefined, reason: undefined });
    }
  }
}

/** Ends a sweep: waiting trials at once, running ones by the deadline. Asking again, with `now`, makes it sooner. */
export async function cancelSweep(
  context: ControllerContext,
  sweep: SweepId,
  request: { readonly now: boolean; readonly deadlineSeconds?: number | undefined; readonly by: string },
): Promise<void> {
  const book = await activeBook(context, sweep, 'cancelled');
  const at = isoNow(context);
  const asked =
    request.deadlineSeconds === undefined
      ? pauseDeadline(context)
      : new Date(context.clock.now() + request.deadlineSeconds * 1000).toISOString();
  const deadline = request.now ? at : asked;
  const cancelRequest = { at, deadline, by: request.by };
  await writeSweep(context, book, { ...book.record, cancelRequest, reason: REASONS.cancelled(request.by) });
  if (request.now) await revokeAll(context, book, cancelRequest);
  context.wake();
}

async function revokeAll(
  context: ControllerContext,
  book: SweepBook,
  cancelRequest: { readonly at: string; readonly deadline: string; readonly by: string },
): Promise<void> {
  for (const entry of [...book.entries()]) {
    if (entry.record.state !== 'running') continue;
    const asked = { ...entry.record, cancelRequest: { ...cancelRequest, pause: false } };
    const written = await writeTrial(context, book, entry, asked);
    await takeBack(context, book, written.record, 'preempted');
    await orderStop(context, asked);
  }
}

/** New generations of trials that ended badly. */
export async function retrySweep(
  context: ControllerContext,
  archive: Archive,
  sweep: SweepId,
  {
    states = RETRIED,
    classes,
  }: { readonly states?: readonly RetriableState[] | undefined; readonly classes?: readonly string[] | undefined },
): Promise<SweepRetried> {
  if (context.held.has(sweep)) await takeUp(context, sweep);
  const { record } = await archive.find(sweep);
  if (record.cancelRequest !== undefined && !isOver(record)) throw wrongSweepState(sweep, 'cancelling', 'retried');
  return { version: 1, retried: await retryTrials(context, record, { states, classes }) };
}

/** A sweep that was held goes on, with what ended meanwhile. */
export async function takeUp(context: ControllerContext, sweep: SweepId): Promise<void> {
  assertNotRebuilt(context, sweep);
  await loadHeldSweep(context, sweep);
  await reconcile(context, { atStart: true });
  context.wake();
}

async function activeBook(context: ControllerContext, sweep: SweepId, wanted: string): Promise<SweepBook> {
  const book = context.books.get(sweep);
  if (book !== undefined && !isOver(book.record)) return book;
  const held = context.held.get(sweep);
  if (held !== undefined) throw sweepHeld(sweep, held.reason);
  const entry = await context.sweeps.get(sweep);
  if (entry === null) throw unknownSweep(sweep);
  throw wrongSweepState(sweep, 'over', wanted);
}
