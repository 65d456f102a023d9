import { AttemptRecord, attemptRecordKey, Lease, type TrialRecord, WorkerId } from '@adctl/protocol';
import { readResult } from '@adctl/storage';
import { type ControllerContext, isoNow } from '../context.js';
import type { SweepBook } from '../observe/sweep-book.js';
import type { TrialFact } from '../plan/fold-fact.js';
import type { LossClass } from '../plan/loss.js';
import { foldFacts } from './fold-facts.js';
import { announceResult, resultKeyOf, toResultFacts } from './results.js';
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
  if (found?.fact === 'result') {
    await foldFacts(context, book, record.trial, [found]);
    return;
  }
  const fenced = await fence(context, record);
  // Between the first look and the fence the worker may have finished.
  const left = found ?? (await findLeftovers(context, book, record));
  const lost: TrialFact = {
    fact: 'lost',
    attempt: Math.max(fenced.attempt, record.attempt),
    fence: fenced.fence,
    worker: fenced.worker ?? record.worker ?? CONTROLLER_ID,
    class: lossClass,
  };
  await foldFacts(context, book, record.trial, [left ?? lost]);
}

/** The result or attempt record of a trial that its record does not know yet. */
export async function findLeftovers(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
): Promise<TrialFact | null> {
  const key = resultKeyOf(record);
  const result = await readResult(context.objects, key);
  if (result !== null) {
    await announceResult(context, key, result); // its worker may have died before it could
    return { fact: 'result', result: toResultFacts(result, key, book.frozen.sweep.objective) };
  }

  const lease = context.leaseBoard.get(record.sweep, record.trial)?.lease;
  const attempt = Math.max(record.attempt, lease?.attempt ?? 0);
  if (attempt === 0 || record.failures.some((failure) => failure.attempt === attempt)) return null;
  const stored = await readAttempt(context, attemptRecordKey(record.sweep, record.trial, record.generation, attempt));
  return stored === null ? null : { fact: 'attempt', generation: record.generation, attempt: stored };
}

/** An attempt record, or null when there is none. */
export async function readAttempt(context: ControllerContext, key: string): Promise<AttemptRecord | null> {
  const object = await context.objects.get(key);
  return object === null ? null : AttemptRecord.parse(JSON.parse(Buffer.from(object.content).toString('utf8')));
}

/** Raises the lease's attempt number, whoever holds it; the next claim need not wait. */
export async function fence(
  context: ControllerContext,
  record: TrialRecord,
): Promise<{ readonly attempt: number; readonly fence: number; readonly worker: WorkerId | undefined }> {
  const key = trialKey(record.sweep, record.trial);
  for (;;) {
    const entry = await context.leases.get(key);
    const held = entry === null ? undefined : Lease.parse(entry.value);
    const attempt = Math.max(held?.attempt ?? 0, record.attempt);
    if (held?.worker === CONTROLLER_ID && held.attempt >= record.attempt) {
      return { attempt, fence: attempt, worker: record.worker };
    }
    const raised: Lease = {
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
