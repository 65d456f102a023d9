import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AttemptEvent,
  AttemptRecord,
  artifactKey,
  attemptRecordKey,
  fitsMessage,
  type ObjectReference,
  type ReleaseEvent,
  type ResultEvent,
  sha256,
  type TrialResult,
  toCanonicalJson,
} from '@adctl/protocol';
import { putInParts, type UnfinishedUploads, writeResultOnce } from '@adctl/storage';
import type { Attempt, Interruption, SlotContext, SpecifiedAttempt } from './attempt.js';
import type { AttemptOutput } from './attempt-output.js';
import type { ClassifiedFailure } from './classify-failure.js';
import { type ArtifactFile, logFileOf } from './log-keeper.js';
import { retryTransient } from './retry.js';
import type { TrialOutcome } from './trainer-messages.js';

/** A trial's result as the object store has it. */
export interface StoredResult {
  readonly key: string;
  /** The one in force; another attempt's when that one was first. */
  readonly result: TrialResult;
}

/**
 * Stores a trial's final result: artifacts, then the result object (first one wins). Each step may be repeated after any
 * crash. It is the truth from here on, but nobody has heard of it: see `tellResult`.
 */
export async function storeResult(
  context: SlotContext,
  attempt: SpecifiedAttempt,
  outcome: TrialOutcome,
  output: AttemptOutput,
): Promise<StoredResult> {
  const { spec, record } = attempt;
  const artifacts: Record<string, ObjectReference> = {};
  for (const { name, file, contentType } of outcome.artifacts) {
    const content = await readFile(join(attempt.directory, file));
    artifacts[name] = await putArtifact(context, attempt, { file, content, contentType });
  }
  const log = await storeLog(context, attempt, output);
  if (log !== null) artifacts.log = log;

  const ours: TrialResult = {
    version: 1,
    spec,
    attempt: attempt.number,
    generation: record.generation,
    failures: record.failures,
    engine: attempt.engine,
    codeVersion: attempt.codeVersion,
    worker: context.config.worker,
    startedAt: attempt.startedAt.toISOString(),
    endedAt: new Date(context.clock.now()).toISOString(),
    ...outcome,
    otherScores: outcome.otherScores === undefined ? undefined : { ...outcome.otherScores },
    artifacts,
  };
  return held(context, attempt, () => writeResultOnce(context.objects, ours));
}

/** Tells of a stored result, after the rest of the curves; both may have to wait for the end of an outage. */
export async function tellResult(
  context: SlotContext,
  attempt: SpecifiedAttempt,
  { key, result }: StoredResult,
  output: AttemptOutput,
): Promise<void> {
  const { spec, record } = attempt;
  const event: ResultEvent = {
    version: 1,
    type: 'result',
    sweep: spec.sweep,
    trial: spec.trial,
    generation: record.generation,
    attempt: attempt.number,
    ending: result.ending,
    resultKey: key,
    ...(fitsMessage(result) ? { result } : {}),
  };
  await append(context, attempt, 'result', event, output);
}

/** Stores why an attempt ended, for the controller to decide about the next one: log and curves, record, event. */
export async function storeFailure(
  context: SlotContext,
  attempt: Attempt,
  { class: failureClass, failure }: ClassifiedFailure,
  output: AttemptOutput,
): Promise<void> {
  const { sweep, trial, generation } = attempt.record;
  await storeStory(context, attempt, output);
  const record = AttemptRecord.parse({
    attempt: attempt.number,
    worker: context.config.worker,
    class: failureClass,
    failure,
    startedAt: attempt.startedAt.toISOString(),
    endedAt: new Date(context.clock.now()).toISOString(),
  });
  const recordKey = attemptRecordKey(sweep, trial, generation, attempt.number);
  const content = Buffer.from(toCanonicalJson(record));
  await held(context, attempt, () => context.objects.put(recordKey, content, { contentType: 'application/json' }));
  const event: AttemptEvent = {
    version: 1,
    type: 'attempt',
    sweep,
    trial,
    generation,
    attempt: attempt.number,
    recordKey,
  };
  await append(context, attempt, 'attempt', event, output);
}

/** Says that an attempt let go of its trial on purpose. */
export async function storeRelease(
  context: SlotContext,
  attempt: Attempt,
  reason: Interruption['reason'],
  output: AttemptOutput,
): Promise<void> {
  const { sweep, trial, generation } = attempt.record;
  await storeStory(context, attempt, output);
  const event: ReleaseEvent = {
    version: 1,
    type: 'release',
    sweep,
    trial,
    generation,
    attempt: attempt.number,
    reason,
  };
  await append(context, attempt, 'release', event, output);
}

/** How the attempt ended, after everything it had to say: one event per attempt and kind, a repeat is the same event. */
async function append(
  context: SlotContext,
  attempt: Attempt,
  kind: string,
  event: ResultEvent | AttemptEvent | ReleaseEvent,
  output: AttemptOutput,
): Promise<void> {
  await output.flush();
  const { sweep, trial, generation } = event;
  const subject = `${kind}.${sweep}.${trial}.${generation}.${attempt.number}`;
  await held(context, attempt, () => context.messaging.events.append(subject, event, { once: true }));
}

/**
 * Log and curves of an attempt that ended without a result. How it ended is worth more than they are: what can never be
 * stored of them is left out.
 */
async function storeStory(context: SlotContext, attempt: Attempt, output: AttemptOutput): Promise<void> {
  try {
    await storeLog(context, attempt, output);
    await storeCurves(context, attempt, output);
  } catch (error) {
    attempt.lost.throwIfAborted();
    context.logger.warn({ err: error, attempt: attempt.number }, 'log and curves of the attempt are not stored');
  }
}

/** The rows of this attempt as `curves.json`, unless its training wrote one; nothing when no epoch was finished. */
async function storeCurves(context: SlotContext, attempt: Attempt, output: AttemptOutput): Promise<void> {
  const curves = output.curves();
  if (curves.epochs.length === 0) return;
  const content = Buffer.from(`${JSON.stringify({ version: 1, ...curves })}\n`);
  const contentType = 'application/json';
  await putArtifact(context, attempt, { file: 'curves.json', content, contentType }, { ifAbsent: true });
}

/** The attempt's log as `log.ndjson` beside its artifacts; nothing when nothing was said. */
async function storeLog(
  context: SlotContext,
  attempt: Attempt,
  output: AttemptOutput,
): Promise<ObjectReference | null> {
  const log = logFileOf(output);
  return log === null ? null : await putArtifact(context, attempt, log);
}

async function putArtifact(
  context: SlotContext,
  attempt: Attempt,
  { file, content, contentType }: ArtifactFile,
  condition: { readonly ifAbsent?: boolean } = {},
): Promise<ObjectReference> {
  const { sweep, trial } = attempt.record;
  const key = artifactKey(sweep, trial, attempt.number, file);
  const unfinished: UnfinishedUploads = new Map();
  const options = { contentType, unfinished, signal: attempt.lost, ...condition };
  await held(context, attempt, () => putInParts(context.objects, key, content, options));
  return { key, bytes: content.byteLength, sha256: sha256(content), contentType };
}

/** Does something for as long as the claim is held, repeating it while it fails for transient reasons. */
function held<T>({ clock }: SlotContext, { lost }: Attempt, operation: () => Promise<T>): Promise<T> {
  return retryTransient(operation, { clock, signal: lost });
}
