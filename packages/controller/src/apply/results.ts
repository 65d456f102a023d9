import {
  type Ending,
  type Failure,
  fitsMessage,
  type Objective,
  type ResultEvent,
  resultKey,
  type TrialRecord,
  type TrialResult,
  TrialSpec,
  toFailure,
  trainedWith,
  trialSpecKey,
} from '@adctl/protocol';
import { parseJson, readResult, writeResultOnce } from '@adctl/storage';
import { type ControllerContext, isoNow } from '../context.js';
import { isUnreadable } from '../failure-scope.js';
import type { SweepBook } from '../observe/sweep-book.js';
import type { ResultFacts, TrialFact } from '../plan/fold-fact.js';

/** What a record keeps of a result. */
export function toResultFacts(result: TrialResult, key: string, objective: Objective): ResultFacts {
  const { ending, selection } = result;
  const counts = ending.state === 'completed' || ending.state === 'stopped';
  const value = objective.metric === 'selection.auroc' ? selection?.auroc : selection?.loss;
  return {
    attempt: result.attempt,
    generation: result.generation,
    ending,
    resultKey: key,
    worker: result.worker,
    failures: result.failures,
    startedAt: result.startedAt,
    endedAt: result.endedAt,
    objective: counts && value !== undefined && Number.isFinite(value) ? value : undefined,
    reusedFrom: result.reusedFrom as ResultFacts['reusedFrom'],
    otherCode: trainedWith(result) === result.spec.codeVersion ? undefined : trainedWith(result),
  };
}

/**
 * Writes the final result of a trial that no worker will finish: failed, or cancelled. The object first, then the event.
 * @returns the result in force: a worker may have been faster, and the first complete result wins. One that cannot be read
 *   is a fact too.
 */
export async function finishTrial(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
  ending: Ending,
  failure: Failure | undefined,
): Promise<TrialFact> {
  const spec = await specOf(context, book, record);
  return orSpoilt<TrialFact>(context, record, async () => {
    const { result, key } = await storeResult(context, {
      version: 1,
      spec,
      attempt: record.attempt,
      generation: record.generation,
      ending,
      failure,
      failures: record.failures,
      worker: record.worker,
      startedAt: record.startedAt,
      endedAt: isoNow(context),
      artifacts: {},
    });
    return { fact: 'result', result: toResultFacts(result, key, book.frozen.sweep.objective) };
  });
}

/**
 * The result of a trial's generation, as far as there is one: read, or known not to be readable.
 * @param how.isTold whether an event told of it; else one is appended, for its worker may have died before it could.
 */
export async function findResult(
  context: ControllerContext,
  book: SweepBook,
  record: TrialRecord,
  { isTold }: { readonly isTold: boolean },
): Promise<TrialFact | null> {
  const key = resultKeyOf(record);
  return orSpoilt<TrialFact | null>(context, record, async () => {
    const result = await readResult(context.objects, key);
    if (result === null) return null;
    if (isTold) context.results.note(result, key);
    else await announceResult(context, key, result);
    return { fact: 'result', result: toResultFacts(result, key, book.frozen.sweep.objective) };
  });
}

async function orSpoilt<T extends TrialFact | null>(
  { logger, measures }: ControllerContext,
  record: TrialRecord,
  look: () => Promise<T>,
): Promise<T | TrialFact> {
  try {
    return await look();
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const { sweep, trial, generation, attempt } = record;
    logger.error({ err: error, sweep, trial }, 'a result cannot be read; its trial has failed');
    measures.notUnderstood('result');
    const { cause: _cause, ...failure } = toFailure(error);
    return { fact: 'spoilt', generation, attempt, resultKey: resultKeyOf(record), failure };
  }
}

/** Object, then event; both harmless to repeat. */
export async function storeResult(
  context: ControllerContext,
  ours: TrialResult,
): Promise<{ readonly key: string; readonly result: TrialResult }> {
  const { key, result } = await writeResultOnce(context.objects, ours);
  await announceResult(context, key, result);
  return { key, result };
}

/** Notes a stored result and appends its event, unless whoever stored it did: every result has one. */
async function announceResult(context: ControllerContext, key: string, result: TrialResult): Promise<void> {
  context.results.note(result, key);
  const { sweep, trial } = result.spec;
  const { generation, attempt, ending } = result;
  const about = { version: 1, type: 'result', sweep, trial, generation, attempt, ending } as const;
  const event: ResultEvent = { ...about, resultKey: key, ...(fitsMessage(result) ? { result } : {}) };
  await context.messaging.events.append(`result.${sweep}.${trial}.${generation}.${attempt}`, event, { once: true });
}

/** The key under which a trial's result will be or is. */
export function resultKeyOf({ sweep, trial, index, generation }: TrialRecord): string {
  return resultKey(sweep, trial, index, generation);
}

/** A trial's spec: planned again, or read where the code that plans changed since and where it can be read. */
export async function specOf(context: ControllerContext, book: SweepBook, record: TrialRecord): Promise<TrialSpec> {
  const planned = book.plan.at(record.index, book.finalistPositions);
  if (planned.trial === record.trial) return planned;
  const stored = await context.objects.get(trialSpecKey(record.sweep, record.trial));
  const spec = stored === null ? undefined : TrialSpec.safeParse(parseJson(stored.content));
  return spec?.success === true ? spec.data : { ...planned, trial: record.trial };
}
