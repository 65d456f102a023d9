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
import { putInParts, writeResultOnce } from '@adctl/storage';
import type { Attempt, Interruption, SlotContext, SpecifiedAttempt } from './attempt.js';
import type { AttemptOutput } from './attempt-output.js';
import type { ClassifiedFailure } from './classify-failure.js';
import { retryTransient } from './retry.js';
import type { TrialOutcome } from './trainer-messages.js';

/**
 * Stores a trial's final result: artifacts, then the result object (first one wins), then the rest of the curves and the
 * event, which may have to wait for the end of an outage. Each step may be repeated after any crash.
 * @returns the result in force; another attempt's when that one was first.
 */
export async function storeResult(
  context: SlotContext,
  attempt: SpecifiedAttempt,
  outcome: TrialOutcome,
  output: AttemptOutput,
): Promise<TrialResult> {
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
  const { key, result } = await held(context, attempt, () => writeResultOnce(context.objects, ours));
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
  return result;
}

/** Stores why an attempt ended, for the controller to decide about the next one: log, record, event. */
export async function storeFailure(
  context: SlotContext,
  attempt: Attempt,
  { class: failureClass, failure }: ClassifiedFailure,
  output: AttemptOutput,
): Promise<void> {
  const { sweep, trial, generation } = attempt.record;
  await storeLog(context, attempt, output);
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
  await storeLog(context, attempt, output);
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

/** The attempt's log as `log.ndjson` beside its artifacts; nothing when nothing was said. */
async function storeLog(
  context: SlotContext,
  attempt: Attempt,
  output: AttemptOutput,
): Promise<ObjectReference | null> {
  const lines = output.lines();
  if (lines.length === 0) return null;
  const content = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return await putArtifact(context, attempt, { file: 'log.ndjson', content, contentType: 'application/x-ndjson' });
}

async function putArtifact(
  context: SlotContext,
  attempt: Attempt,
  { file, content, contentType }: { file: string; content: Uint8Array; contentType: string },
): Promise<ObjectReference> {
  const { sweep, trial } = attempt.record;
  const key = artifactKey(sweep, trial, attempt.number, file);
  await held(context, attempt, () => putInParts(context.objects, key, content, { contentType }));
  return { key, bytes: content.byteLength, sha256: sha256(content), contentType };
}

/** Does something for as long as the claim is held, repeating it while it fails for transient reasons. */
function held<T>({ clock }: SlotContext, { lost }: Attempt, operation: () => Promise<T>): Promise<T> {
  return retryTransient(operation, { clock, signal: lost });
}
