import { isFinal, type SweepId, type SweepRecord, type TrialId, type TrialRecord } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';
import { superseded } from '../errors.js';
import type { SweepBook, TrialEntry } from '../observe/sweep-book.js';

export const trialKey = (sweep: SweepId, trial: TrialId) => `${sweep}.${trial}`;

/**
 * Writes a changed record by compare-and-set and notes it in the book.
 * @throws AdctlError transient `controller_superseded` when somebody else wrote it: only one controller may.
 */
export async function writeTrial(
  context: ControllerContext,
  book: SweepBook,
  before: TrialEntry,
  record: TrialRecord,
): Promise<TrialEntry> {
  const key = trialKey(record.sweep, record.trial);
  const revision = await context.trials.update(key, record, before.revision);
  if (revision === null) throw superseded(key);
  return noteTrial(context, book, { record, revision });
}

/** Writes the first record of a trial. @throws as `writeTrial`. */
export async function createTrial(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
): Promise<TrialEntry> {
  const key = trialKey(record.sweep, record.trial);
  const revision = await context.trials.create(key, record);
  if (revision === null) throw superseded(key);
  return noteTrial(context, book, { record, revision });
}

function noteTrial(context: ControllerContext, book: SweepBook, entry: TrialEntry): TrialEntry {
  const { sweep, trial, state } = entry.record;
  if (isFinal(state)) context.leaseBoard.forget(sweep, trial);
  book.put(entry);
  return entry;
}

/** Writes a sweep's changed record. @throws as `writeTrial`. */
export async function writeSweep(context: ControllerContext, book: SweepBook, record: SweepRecord): Promise<void> {
  const revision = await context.sweeps.update(record.sweep, record, book.revision);
  if (revision === null) throw superseded(record.sweep);
  book.record = record;
  book.revision = revision;
  book.writtenExpanded = record.expanded;
}
