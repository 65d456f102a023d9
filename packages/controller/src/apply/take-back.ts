import { AttemptRecord, attemptRecordKey, Lease, type TrialRecord, toFailure, WorkerId } from '@adctl/protocol';
import { parseJson } from '@adctl/storage';
import { type ControllerContext, isoNow } from '../context.js';
import { attemptUnreadable } from '../errors.js';
import { isUnreadable } from '../failure-scope.js';
import type { SweepBook } from '../observe/sweep-book.js';
import type { TrialFact } from '../plan/fold-fact.js';
import type { LossClass } from '../plan/loss.js';
import { foldFacts } from './fold-facts.js';
import { findResult } from './results.js';
import { trialKey } from './write-trial.js';

/** The name under which the controller holds a claim that it took from a worker. */
export const CONTROLLER_ID = WorkerId.parse('controller');

/**
 * Ends a claim on which nobody works any more, or must not any longer. Looks for what the worker left behind first, in
 * the order of truth: a result, a record of a failed attempt, nothing. Raising the lease's attempt number fences
 * whoever still believes in the claim.
 */
export async function takeBack(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
  lossClass: LossClass,
): Promise<void> {
  const found = await findLeftovers(context, book, record);
  if (found?.fact === 'result' || found?.fact === 'spoilt') {
    await foldFacts(context, book, record.trial, [found]);
    return;
  }
  const fenced = await fence(context, record);
  // Between the first look and the fence the attempt may have ended.
  const left = found ?? (await findLeftovers(context, book, record, fenced.attempt));
  const lost: TrialFact = {
    fact: 'lost',
    attempt: Math.max(fenced.attempt, record.attempt),
    fence: fenced.fence,
    worker: fenced.worker ?? record.worker ?? CONTROLLER_ID,
    class: lossClass,
  };
  await foldFacts(context, book, record.trial, [left ?? lost]);
}

/**
 * The result or attempt record of a trial that its record does not know yet.
 * @param attempt whose record to look for; default: the last claim's.
 */
export async function findLeftovers(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
  attempt = lastClaim(context, record),
): Promise<TrialFact | null> {
  const result = await findResult(context, book, record, { isTold: false });
  if (result !== null) return result;
  if (attempt === 0 || record.failures.some((failure) => failure.attempt === attempt)) return null;
  return findAttempt(context, record, attempt);
}

/** The number of the last claim of a worker, as far as record and lease tell. */
function lastClaim({ leaseBoard }: ControllerContext, { sweep, trial, attempt }: TrialRecord): number {
  const lease = leaseBoard.get(sweep, trial)?.lease;
  // A fence is no claim: it is one above the claim that it ended.
  return Math.max(attempt, lease === undefined ? 0 : lease.attempt - (lease.worker === CONTROLLER_ID ? 1 : 0));
}

/** How an attempt ended badly, or null when nothing tells. A record that cannot be read tells that it ended, not how. */
export async function findAttempt(
  context: ControllerContext,
  { sweep, trial, generation }: Pick<TrialRecord, 'sweep' | 'trial' | 'generation'>,
  attempt: number,
): Promise<TrialFact | null> {
  const key = attemptRecordKey(sweep, trial, generation, attempt);
  try {
    const stored = await readAttempt(context, key);
    if (stored === null) return null;
    if (stored.attempt !== attempt) throw attemptUnreadable(key, new Error(`it tells of attempt ${stored.attempt}`));
    return { fact: 'attempt', generation, attempt: stored };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    context.logger.error({ err: error, sweep, trial }, 'the record of an attempt cannot be read');
    context.measures.notUnderstood('attempt');
    const { cause: _cause, ...failure } = toFailure(error);
    return {
      fact: 'attempt',
      generation,
      attempt: { version: 1, attempt, class: 'infra', failure, endedAt: isoNow(context) },
    };
  }
}

/** An attempt record, or null when there is none. @throws AdctlError permanent `attempt_unreadable`. */
export async function readAttempt({ objects }: Pick<ControllerContext, 'objects'>, key: string) {
  const object = await objects.get(key);
  if (object === null) return null;
  const parsed = AttemptRecord.safeParse(parseJson(object.content));
  if (!parsed.success) throw attemptUnreadable(key, parsed.error);
  return parsed.data;
}

/** Raises the lease's attempt number, whoever holds it; the next claim need not wait. */
export async function fence(
  context: ControllerContext,
  record: TrialRecord,
): Promise<{ readonly attempt: number; readonly fence: number; readonly worker: WorkerId | undefined }> {
  const key = trialKey(record.sweep, record.trial);
  for (;;) {
    const entry = await context.leases.get(key);
    // One that cannot be read is replaced; what was seen of it before keeps the numbers rising.
    const seen = context.leaseBoard.get(record.sweep, record.trial)?.lease;
    const readable = entry === null ? undefined : Lease.safeParse(entry.value).data;
    const held = entry === null ? undefined : (readable ?? seen);
    const attempt = Math.max(held?.attempt ?? 0, record.attempt);
    if (readable?.worker === CONTROLLER_ID && attempt === readable.attempt) {
      return { attempt, fence: attempt, worker: record.worker };
    }
    const raised: Lease = {
      version: 1,
      attempt: attempt + 1,
      worker: CONTROLLER_ID,
      renewedAt: isoNow(context),
      released: true,
    };
    const revision =
      entry === null
        ? await context.leases.create(key, raised)
        : await context.leases.update(key, raised, entry.revision);
    if (revision !== null) {
      context.leaseBoard.note(record.sweep, record.trial, raised, context.clock.now());
      return { attempt, fence: raised.attempt, worker: held?.worker };
    }
    // The worker renewed in this moment: look again.
  }
}
