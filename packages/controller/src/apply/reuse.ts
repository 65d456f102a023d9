import {
  isFinal,
  type Sha256,
  SweepId,
  TrialId,
  type TrialRecord,
  type TrialSpec,
  trainedWith,
  Version1,
} from '@adctl/protocol';
import { readResult } from '@adctl/storage';
import { z } from 'zod';
import type { ControllerContext } from '../context.js';
import { failureLimits, nowOf } from '../context.js';
import { isUnreadable } from '../failure-scope.js';
import type { SweepBook } from '../observe/sweep-book.js';
import { foldFact } from '../plan/fold-fact.js';
import { REASONS } from '../reasons.js';
import { storeResult, toResultFacts } from './results.js';

/** Where an identity's result lies (bucket `identity`). */
const Known = z.object({ version: Version1, sweep: SweepId, trial: TrialId, resultKey: z.string() });

/** Key of an identity: what was trained on one class of workers is no result of another, a CPU's none of a GPU. */
export function identityKey(workerClass: string, identity: Sha256): string {
  return `${workerClass}.${identity}`;
}

/**
 * Completes a trial at once when an identical one (same code, data, hyperparameters and seed) has completed before on
 * workers of the same class: it gets a result object of its own that names where the numbers came from.
 * @returns the completed record, not yet written; null when there is nothing to reuse.
 */
export async function reuseResult(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
  spec: TrialSpec,
): Promise<TrialRecord | null> {
  const entry = await context.identities.get(identityKey(book.frozen.class, spec.identity));
  if (entry === null) return null;
  const { data: known } = Known.safeParse(entry.value);
  if (known === undefined || (known.sweep === spec.sweep && known.trial === spec.trial)) return null;
  const earlier = await readResult(context.objects, known.resultKey).catch((error: unknown) => {
    if (!isUnreadable(error)) throw error;
    context.logger.warn({ err: error, sweep: spec.sweep, trial: spec.trial }, 'an earlier result is not reused');
    return null;
  });
  if (earlier === null || earlier.ending.state !== 'completed') return null;
  if (trainedWith(earlier) !== spec.codeVersion) return null; // remembered by a version that did not look

  const origin = { sweep: known.sweep, trial: known.trial };
  const { key, result } = await storeResult(context, {
    ...earlier,
    spec,
    attempt: 0,
    generation: record.generation,
    ending: { state: 'completed', reason: REASONS.reused(origin.sweep, origin.trial, earlier.engine) },
    failures: [],
    reusedFrom: origin,
  });
  const folded = foldFact(
    record,
    { fact: 'result', result: toResultFacts(result, key, book.frozen.sweep.objective) },
    { now: nowOf(context), limits: failureLimits(context, book) },
  );
  if (folded.fold !== 'changed' || !isFinal(folded.record.state)) return null;
  context.counters.reused += 1;
  return folded.record;
}
