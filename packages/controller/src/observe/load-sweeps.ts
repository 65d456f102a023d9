import type { StateEntry } from '@adctl/messaging';
import { isFinal, Lease, SweepId, SweepRecord, sweepSpecKey, TrialId, TrialRecord } from '@adctl/protocol';
import { parseJson } from '@adctl/storage';
import { takeOverSweep, takeOverTrial, writeSweep } from '../apply/write-trial.js';
import { inBatches } from '../batches.js';
import type { ControllerContext } from '../context.js';
import { recordUnreadable, sweepUnreadable, unknownSweep } from '../errors.js';
import { isPoison } from '../failure-scope.js';
import { FrozenSweep } from '../plan/frozen-sweep.js';
import { isOver } from '../plan/is-over.js';
import { createTrialPlan } from '../plan/trial-plan.js';
import { REASONS } from '../reasons.js';
import { toFinalTrial } from '../results/result-index.js';
import type { FinalTrial } from '../results/sweep-index.js';
import { holdSweep } from './held-sweeps.js';
import { SweepBook, type TrialEntry } from './sweep-book.js';

/**
 * The term to write with: the election's, unless records know a higher one, because the bucket that counts elections was
 * made anew. Undefined where there is no election.
 */
export function chooseTerm(
  elected: number | undefined,
  records: readonly Pick<SweepRecord, 'term'>[],
): number | undefined {
  if (elected === undefined) return undefined;
  const known = records.reduce((highest, { term = 0 }) => Math.max(highest, term), 0);
  return known > elected ? known + 1 : elected;
}

/** Records of all sweeps that can be read. Others are in nobody's way: `loadSweeps` has told of them. */
export async function sweepRecords({ sweeps }: Pick<ControllerContext, 'sweeps'>): Promise<SweepRecord[]> {
  return (await sweeps.entries()).flatMap(({ value }) => SweepRecord.safeParse(value).data ?? []);
}

/** Reads every sweep that is not over into memory; those that cannot be read are held. */
export async function loadSweeps(context: ControllerContext): Promise<void> {
  const entries = await context.sweeps.entries();
  const parsed = entries.map((entry) => ({ entry, record: SweepRecord.safeParse(entry.value) }));
  context.term = chooseTerm(
    context.term,
    parsed.flatMap(({ record }) => record.data ?? []),
  );
  for (const { entry, record } of parsed) {
    if (record.success && isOver(record.data)) continue;
    const sweep = SweepId.safeParse(entry.key);
    if (!sweep.success) continue;
    try {
      await takeOverAndLoad(context, entry);
    } catch (error) {
      if (!isPoison(error)) throw error;
      holdSweep(context, sweep.data, error);
    }
    context.pulse();
  }
}

/**
 * Reads a sweep again that is held, or that nobody began because its submission broke off. What ended meanwhile is found by
 * the reconciler.
 * @throws AdctlError as `loadSweep`: then it is held as before, with the reason of now.
 */
export async function loadHeldSweep(context: ControllerContext, sweep: SweepId): Promise<SweepBook> {
  const entry = await context.sweeps.get(sweep);
  if (entry === null) throw unknownSweep(sweep);
  try {
    // Read first: once the sweep has a book, nothing may go wrong any more before it is held no longer.
    const leases = await context.leases.entries(sweep);
    const book = await takeOverAndLoad(context, entry);
    for (const { key, value } of leases) {
      const trial = TrialId.safeParse(key.slice(sweep.length + 1));
      const lease = Lease.safeParse(value);
      if (trial.success && lease.success) context.leaseBoard.note(sweep, trial.data, lease.data, context.clock.now());
    }
    context.held.delete(sweep);
    return book;
  } catch (error) {
    if (isPoison(error)) holdSweep(context, sweep, error);
    throw error;
  }
}

async function takeOverAndLoad(context: ControllerContext, entry: StateEntry): Promise<SweepBook> {
  toSweepRecord(entry);
  const ours = await takeOverSweep(context, entry);
  return loadSweep(context, ours.value, ours.revision);
}

/**
 * Reads one sweep into memory.
 * @throws AdctlError permanent `sweep_unreadable`.
 */
export async function loadSweep(context: ControllerContext, record: SweepRecord, revision: number): Promise<SweepBook> {
  const frozen = await readFrozenSweep(context, record);
  const plan = createTrialPlan(frozen, context.findCard);
  const book = new SweepBook(frozen, plan, record, revision, startsOf(context, frozen.class));
  const seen: boolean[] = [];
  const finals: FinalTrial[] = [];
  const entries = await context.trials.entries(record.sweep);
  for (const entry of await inBatches(entries, (one) => readTrial(context, one))) {
    seen[entry.record.index] = true;
    finals.push(...toFinalTrial(entry.record));
    book.put(entry);
  }
  const expanded = Math.max(record.expanded, seen.length);
  for (let index = 0; index < expanded; index++) if (seen[index] !== true) book.missing.push(index);
  if (expanded > record.expanded) await writeSweep(context, book, { ...book.record, expanded });
  await pauseIfCodeChanged(context, book);
  await context.results.open(frozen, finals);
  context.books.set(record.sweep, book);
  return book;
}

/** A trial's record; one that is not final is ours from here on, and refuses what an earlier leader still sends. */
async function readTrial(context: ControllerContext, entry: StateEntry): Promise<TrialEntry> {
  context.pulse();
  const record = toTrialRecord(entry);
  if (context.term === undefined || isFinal(record.state)) return { record, revision: entry.revision };
  return takeOverTrial(context, entry);
}

/** @throws AdctlError permanent `record_unreadable`. */
export function toSweepRecord({ key, value }: Pick<StateEntry, 'key' | 'value'>): SweepRecord {
  const record = SweepRecord.safeParse(value);
  if (!record.success) throw recordUnreadable('sweep', key, record.error);
  return record.data;
}

/** @throws AdctlError permanent `record_unreadable`. */
export function toTrialRecord({ key, value }: Pick<StateEntry, 'key' | 'value'>): TrialRecord {
  const record = TrialRecord.safeParse(value);
  if (!record.success) throw recordUnreadable('trial', key, record.error);
  return record.data;
}

function startsOf({ starts }: ControllerContext, name: string): { count: number } {
  const known = starts.get(name) ?? { count: 0 };
  starts.set(name, known);
  return known;
}

/** The sweep as it was submitted. @throws AdctlError permanent `sweep_unreadable`. */
export async function readFrozenSweep(
  context: Pick<ControllerContext, 'objects'>,
  { sweep }: Pick<SweepRecord, 'sweep'>,
): Promise<FrozenSweep> {
  const key = sweepSpecKey(sweep);
  const object = await context.objects.get(key);
  if (object === null) throw sweepUnreadable(key, new Error('there is no such object'));
  const parsed = FrozenSweep.safeParse(parseJson(object.content));
  if (!parsed.success) throw sweepUnreadable(key, parsed.error);
  return parsed.data;
}

/** Numbers of one sweep must come from one code: what was planned with another one waits for a person. */
async function pauseIfCodeChanged(context: ControllerContext, book: SweepBook): Promise<void> {
  const { record } = book;
  if (record.state !== 'search' && record.state !== 'report') return;
  if (record.cancelRequest !== undefined) return;
  const changed = unacceptedCodeChange(context, book);
  if (changed === undefined) return;
  const reason = REASONS.codeChanged(changed);
  context.logger.warn({ sweep: record.sweep, reason }, 'sweep paused');
  await writeSweep(context, book, { ...record, state: 'paused', pausedFrom: record.state, reason });
}

/** A method of the sweep whose code has changed since it was planned; undefined also when a person took that. */
export function unacceptedCodeChange(
  context: Pick<ControllerContext, 'codeVersionOf'>,
  { record, frozen }: Pick<SweepBook, 'record' | 'frozen'>,
): string | undefined {
  if (record.codeChangeAccepted === true) return undefined;
  return frozen.methods.find(({ method, codeVersion }) => context.codeVersionOf(method) !== codeVersion)?.method;
}
