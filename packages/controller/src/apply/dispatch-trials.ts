import { PRIORITIES, type Priority } from '@adctl/messaging';
import { fitsMessage, type TrialAssignment, type TrialRecord, type TrialSpec, trialSpecKey } from '@adctl/protocol';
import { BATCH, settleAll } from '../batches.js';
import { type ControllerContext, isoNow } from '../context.js';
import type { SweepBook, TrialEntry } from '../observe/sweep-book.js';
import { specOf } from './results.js';
import { reuseResult } from './reuse.js';
import { createTrial, writeSweep, writeTrial } from './write-trial.js';

/** The sweep's `expanded` is written once it is this far behind. */
const EXPANDED_LAG = 256;

/**
 * Puts up to `count` trials of a sweep into the work queue: queued ones first, then new ones from the grid. A trial that
 * can be reused completes here and takes no place in the window.
 *
 * Order of writes, each of them harmless to repeat: trial record (already `dispatched`: what is not in the queue is
 * published again by the reconciler), queue message, and now and then the sweep's `expanded`, which loading reads off the
 * records anyway. A crash between two trials of a batch leaves holes below `expanded`; loading finds them.
 *
 * @returns how many trials were begun, reused ones included; less than `count` when the sweep has no more.
 */
export async function dispatchTrials(context: ControllerContext, book: SweepBook, count: number): Promise<number> {
  let begun = 0;
  while (begun < count && book.available > 0) {
    const size = Math.min(BATCH, count - begun);
    const queued: TrialEntry[] = [];
    while (queued.length < size) {
      const entry = book.takeReady();
      if (entry === undefined) break;
      queued.push(entry);
    }
    const indices = takeIndices(book, size - queued.length);
    try {
      await settleAll([
        ...queued.map((entry) => dispatchAgain(context, book, entry)),
        ...indices.map((index) => begin(context, book, index)),
      ]);
    } catch (error) {
      for (const { record } of queued) book.giveBack(record.trial);
      await restoreMissing(context, book, indices);
      throw error;
    }
    begun += queued.length + indices.length;
    context.counters.dispatched += queued.length + indices.length;
    book.lastServed = context.counters.dispatched;
    await noteExpanded(context, book, indices);
  }
  return begun;
}

/** The next indices to expand: holes first. */
function takeIndices(book: SweepBook, count: number): number[] {
  const indices = book.missing.splice(0, count);
  const end = Math.min(book.planned, book.record.expanded + count - indices.length);
  for (let index = book.record.expanded; index < end; index++) indices.push(index);
  return indices;
}

async function noteExpanded(context: ControllerContext, book: SweepBook, indices: readonly number[]): Promise<void> {
  const expanded = Math.max(book.record.expanded, ...indices.map((index) => index + 1));
  book.record = { ...book.record, expanded };
  if (expanded - book.writtenExpanded >= EXPANDED_LAG) await writeSweep(context, book, book.record);
}

/** After a failure in the middle of a batch: trials that did not get a record are holes. */
async function restoreMissing(context: ControllerContext, book: SweepBook, indices: readonly number[]): Promise<void> {
  for (const index of indices) {
    const { trial } = book.plan.at(index, book.finalistPositions);
    const exists =
      book.get(trial) !== undefined || (await context.trials.get(`${book.record.sweep}.${trial}`)) !== null;
    if (!exists) book.missing.push(index);
  }
  await noteExpanded(context, book, indices);
}

async function begin(context: ControllerContext, book: SweepBook, index: number): Promise<void> {
  const spec = book.plan.at(index, book.finalistPositions);
  const queued = newRecord(spec, isoNow(context));
  if (!book.record.fresh) {
    const reused = await reuseResult(context, book, queued, spec);
    if (reused !== null) {
      await createTrial(context, book, reused);
      return;
    }
  }
  const record = toDispatched(queued, isoNow(context));
  await writeThenPublish(context, book, record, spec, () => createTrial(context, book, record));
}

async function dispatchAgain(context: ControllerContext, book: SweepBook, before: TrialEntry): Promise<void> {
  const record = toDispatched(before.record, isoNow(context));
  const spec = await specOf(context, book, record);
  await writeThenPublish(context, book, record, spec, () => writeTrial(context, book, before, record));
}

/** The record goes before the message: a worker drops messages of trials it cannot find. */
async function writeThenPublish(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
  spec: TrialSpec,
  write: () => Promise<TrialEntry>,
): Promise<void> {
  const assignment = await toAssignment(context, book, record, spec);
  const writing = write();
  if (!context.orderedWrites) await writing;
  const [, sequence] = await Promise.all([writing, publish(context, book, record, assignment)]);
  noteSequence(book, record, sequence);
}

/** The message of a trial: with its spec, or, where that is too large, with an object behind it. */
async function toAssignment(
  { objects }: ControllerContext,
  book: SweepBook,
  { sweep, trial, generation }: TrialRecord,
  spec: TrialSpec,
): Promise<TrialAssignment> {
  const specKey = trialSpecKey(sweep, trial);
  const accepted = book.record.codeChangeAccepted === true ? { codeChangeAccepted: true } : {};
  const about = { version: 1, sweep, trial, generation, specKey, ...accepted } as const;
  if (fitsMessage(spec)) return { ...about, spec };
  const content = Buffer.from(JSON.stringify(spec));
  await objects.put(specKey, content, { ifAbsent: true, contentType: 'application/json' });
  return about;
}

/**
 * Publishes a dispatched trial's message. The id is fixed by the record, so that a repeat is no second message.
 * @param salt makes another id, for a message that was lost after it had been seen.
 * @returns its sequence.
 */
async function publish(
  context: ControllerContext,
  book: SweepBook,
  { sweep, trial, generation, attempt, dispatchedAt }: TrialRecord,
  assignment: TrialAssignment,
  salt = '',
): Promise<number> {
  const { sequence } = await context.messaging.queue.publish({
    class: book.frozen.class,
    priority: priorityOf(book),
    messageId: `${sweep}.${trial}.g${generation}.a${attempt}.${Date.parse(dispatchedAt ?? '')}${salt}`,
    assignment,
  });
  return sequence;
}

/** Publishes a dispatched trial whose message is gone under a fresh id: the old one may be remembered. */
export async function publishAgain(context: ControllerContext, book: SweepBook, record: TrialRecord): Promise<void> {
  const assignment = await toAssignment(context, book, record, await specOf(context, book, record));
  noteSequence(book, record, await publish(context, book, record, assignment, `.r${context.clock.now()}`));
}

/** Kept in memory: after a restart it is read back from the queue itself. */
function noteSequence(book: SweepBook, { trial, dispatchedAt }: TrialRecord, queueSequence: number): void {
  const current = book.get(trial);
  if (current === undefined || current.record.dispatchedAt !== dispatchedAt) return;
  book.put({ record: { ...current.record, queueSequence }, revision: current.revision });
}

/** A trial's record before anything happened to it. */
export function newRecord(spec: TrialSpec, now: string): TrialRecord {
  const { sweep, trial, index, phase } = spec;
  return {
    version: 1,
    sweep,
    trial,
    index,
    phase,
    state: 'queued',
    attempt: 0,
    generation: 0,
    failures: [],
    queuedAt: now,
  };
}

function toDispatched(record: TrialRecord, now: string): TrialRecord {
  return { ...record, state: 'dispatched', dispatchedAt: now, notBefore: undefined };
}

function priorityOf(book: SweepBook): Priority {
  return PRIORITIES.find((priority) => priority === book.record.priority) ?? 'normal';
}
