import type { StateBucket, StateEntry } from '@adctl/messaging';
import { isFinal, type SweepId, SweepRecord, type TrialId, TrialRecord, toCanonicalJson } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';
import { superseded, viewMended } from '../errors.js';
import type { SweepBook, TrialEntry } from '../observe/sweep-book.js';
import { isOver } from '../plan/is-over.js';
import { isStatusNews, putStatus } from './sweep-status.js';

export const trialKey = (sweep: SweepId, trial: TrialId) => `${sweep}.${trial}`;

/**
 * Writes a changed record by compare-and-set and notes it in the book.
 * @throws AdctlError transient `controller_superseded` when another controller wrote it: only the leader may; transient
 *   `record_moved` when it was an earlier write of ours whose answer got lost.
 */
export async function writeTrial(
  context: ControllerContext,
  book: SweepBook,
  before: TrialEntry,
  changed: TrialRecord,
): Promise<TrialEntry> {
  const key = trialKey(changed.sweep, changed.trial);
  const record = withTerm(context, changed);
  const swapped = await swap(context.trials, key, record, before.revision);
  if ('revision' in swapped) return noteTrial(context, book, { record, revision: swapped.revision });
  const { found } = swapped;
  if (found === null || !isOurs(context, found)) throw superseded(key);
  noteTrial(context, book, { record: TrialRecord.parse(found.value), revision: found.revision });
  throw viewMended(key);
}

/**
 * Writes the first record of a trial. One that a deposed leader wrote in its last moments is taken over.
 * @throws AdctlError transient `controller_superseded`.
 */
export async function createTrial(
  context: ControllerContext,
  book: SweepBook,
  first: TrialRecord,
): Promise<TrialEntry> {
  const key = trialKey(first.sweep, first.trial);
  const record = withTerm(context, first);
  const swapped = await swap(context.trials, key, record, null);
  if ('revision' in swapped) return noteTrial(context, book, { record, revision: swapped.revision });
  if (context.term === undefined || swapped.found === null) throw superseded(key);
  return noteTrial(context, book, await takeOverTrial(context, swapped.found));
}

/**
 * Puts our term into a record that an earlier leader wrote, which refuses whatever it still sends.
 * @throws AdctlError transient `controller_superseded` for a record of a later leader.
 */
export async function takeOverTrial(context: ControllerContext, found: StateEntry): Promise<TrialEntry> {
  const taken = await takeOver(context, context.trials, found, (value) => TrialRecord.parse(value));
  return { record: taken.value, revision: taken.revision };
}

/** The same for a sweep. @throws as `takeOverTrial`. */
export function takeOverSweep(context: ControllerContext, found: StateEntry) {
  return takeOver(context, context.sweeps, found, (value) => SweepRecord.parse(value));
}

function noteTrial(context: ControllerContext, book: SweepBook, entry: TrialEntry): TrialEntry {
  const { sweep, trial, state } = entry.record;
  if (isFinal(state)) {
    context.leaseBoard.forget(sweep, trial);
    context.measures.trialEnded(entry.record);
  }
  book.put(entry);
  return entry;
}

/**
 * Writes a sweep's changed record, and what of it cannot be read off its trials into its status object.
 * @throws as `writeTrial`, and as `putStatus`.
 */
export async function writeSweep(context: ControllerContext, book: SweepBook, changed: SweepRecord): Promise<void> {
  const record = withTerm(context, changed);
  const isNews = isStatusNews(context, record);
  if (isNews && isOver(record)) await putStatus(context, record);
  const swapped = await swap(context.sweeps, record.sweep, record, book.revision);
  if ('revision' in swapped) {
    book.note(record, swapped.revision);
    if (isNews) await putStatus(context, record);
    return;
  }
  const { found } = swapped;
  if (found === null || !isOurs(context, found)) throw superseded(record.sweep);
  const { expanded } = book.record; // memory runs ahead of what is stored
  const stored = SweepRecord.parse(found.value);
  book.note({ ...stored, expanded: Math.max(stored.expanded, expanded) }, found.revision);
  throw viewMended(record.sweep);
}

/**
 * Writes the first record of a sweep; its status object comes next, once it is in a book.
 * @returns its revision and what was written; null when the sweep exists.
 */
export async function createSweep(
  context: ControllerContext,
  first: SweepRecord,
): Promise<{ readonly record: SweepRecord; readonly revision: number } | null> {
  const record = withTerm(context, first);
  const swapped = await swap(context.sweeps, record.sweep, record, null);
  return 'revision' in swapped ? { record, revision: swapped.revision } : null;
}

/** Ends a sweep whose record was just created and that nobody has begun. */
export async function withdrawSweep(
  context: ControllerContext,
  created: { readonly record: SweepRecord; readonly revision: number },
  reason: string,
): Promise<void> {
  const record: SweepRecord = { ...created.record, state: 'cancelled', reason, finishedAt: created.record.createdAt };
  await putStatus(context, record);
  const swapped = await swap(context.sweeps, record.sweep, record, created.revision);
  if (!('revision' in swapped)) throw superseded(record.sweep);
  context.statuses.delete(record.sweep);
}

/** Writes the record of a trial that has none, and that is in no book. @returns whether there was none. */
export async function createLostTrial(context: ControllerContext, first: TrialRecord): Promise<boolean> {
  const key = trialKey(first.sweep, first.trial);
  return (await context.trials.create(key, withTerm(context, first))) !== null;
}

/** The same for a sweep. */
export async function createLostSweep(context: ControllerContext, first: SweepRecord): Promise<boolean> {
  return (await context.sweeps.create(first.sweep, withTerm(context, first))) !== null;
}

/**
 * Writes a changed record of a trial that is in no book.
 * @throws AdctlError transient `controller_superseded` when it is not what was read.
 */
export async function rewriteTrial(
  context: ControllerContext,
  changed: TrialRecord,
  revision: number,
): Promise<TrialEntry> {
  const record = withTerm(context, changed);
  const key = trialKey(record.sweep, record.trial);
  const swapped = await swap(context.trials, key, record, revision);
  if (!('revision' in swapped)) throw superseded(key);
  return { record, revision: swapped.revision };
}

/** A compare-and-set whose lost answers count as won: then what is there is what we wrote. */
async function swap(
  bucket: StateBucket,
  key: string,
  value: unknown,
  revision: number | null,
): Promise<{ readonly revision: number } | { readonly found: StateEntry | null }> {
  const written = revision === null ? await bucket.create(key, value) : await bucket.update(key, value, revision);
  if (written !== null) return { revision: written };
  const found = await bucket.get(key);
  if (found !== null && toCanonicalJson(found.value) === toCanonicalJson(value)) return { revision: found.revision };
  return { found };
}

async function takeOver<T extends { readonly term?: number | undefined }>(
  context: ControllerContext,
  bucket: StateBucket,
  found: StateEntry,
  parse: (value: unknown) => T,
): Promise<{ readonly value: T; readonly revision: number }> {
  let entry: StateEntry | null = found;
  // Ends: only a deposed leader can be faster, and it stops.
  while (entry !== null) {
    const value = parse(entry.value);
    if (value.term === context.term) return { value, revision: entry.revision };
    if ((value.term ?? 0) > (context.term ?? 0)) break;
    const ours = withTerm(context, value);
    const revision = await bucket.update(entry.key, ours, entry.revision);
    if (revision !== null) return { value: ours, revision };
    entry = await bucket.get(entry.key);
  }
  throw superseded(found.key);
}

function withTerm<T extends object>({ term }: ControllerContext, record: T): T {
  return term === undefined ? record : { ...record, term };
}

/** Whether a record was written by this leader: nobody else has its term. */
function isOurs({ term }: ControllerContext, { value }: StateEntry): boolean {
  return term !== undefined && typeof value === 'object' && value !== null && 'term' in value && value.term === term;
}
