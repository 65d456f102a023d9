import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Delivery } from '@adctl/messaging';
import { type EngineFacts, isFinal, type Sha256, TrialRecord, TrialSpec, toFailure } from '@adctl/protocol';
import { loadNewestCheckpoint } from '@adctl/storage';
import {
  type Attempt,
  ClaimLost,
  type Interruption,
  type LossReason,
  type SlotContext,
  type SpecifiedAttempt,
} from './attempt.js';
import { type AttemptOutput, createAttemptOutput } from './attempt-output.js';
import { type CheckpointCommitter, createCheckpointCommitter } from './checkpoint-committer.js';
import { type Claim, claimTrial } from './claim.js';
import { classifyFailure, type FailureEvidence } from './classify-failure.js';
import { codeVersionMismatch, specMissing, specUnreadable } from './errors.js';
import { fetchBackbone } from './fetch-backbone.js';
import { createLogKeeper } from './log-keeper.js';
import { retryTransient } from './retry.js';
import { storeFailure, storeRelease, storeResult, tellResult } from './store-attempt.js';
import type { TrainerEvent, TrainerRunEnd } from './trainer.js';
import type { LocalCheckpoint, TrialOutcome, WrittenCheckpoint } from './trainer-messages.js';

/** How an attempt ended that kept its claim. */
type AttemptEnd =
  | { readonly kind: 'finished'; readonly attempt: SpecifiedAttempt; readonly outcome: TrialOutcome }
  | { readonly kind: 'failed'; readonly evidence: FailureEvidence }
  | { readonly kind: 'interrupted'; readonly reason: Interruption['reason'] };

/**
 * The life of one attempt, from a message to its acknowledgement.
 *
 * 1. Read the trial's record: what is final, paused or of another generation needs no work; ack.
 * 2. Claim the trial; what somebody else holds goes back to the queue.
 * 3. Keep the claim by renewing it, and with it the message. A lost claim kills the training at once; then nothing is
 *    written any more, the ack included: whoever took the claim has the message too.
 * 4. Fetch spec, backbone weights, images and newest checkpoint, train in the slot's process, commit checkpoints, pass on what it
 *    says, and keep the log.
 * 5. Store what came of it: result, failed attempt, or release. Object store first, curves and event second, ack last.
 *
 * A result that can never be stored is a failed attempt, which tells why. Never throws: where even that cannot be stored,
 * the message is given back.
 */
export async function runTrial(delivery: Delivery, engine: EngineFacts, context: SlotContext): Promise<void> {
  const { config, messaging, times, clock, trainer } = context;
  const { sweep, trial } = delivery.assignment;
  const logger = context.logger.child({ sweep, trial });
  let claim: Claim | undefined;
  const lost = new AbortController();
  const directory = join(config.scratchDirectory, config.worker, `${sweep}-${trial}`);
  try {
    const record = await readRecord(delivery, context);
    if (record === 'not-needed') return await delivery.ack();
    if (record === 'not-now') return await delivery.nak(times.renewMs);

    const claimed = await claimTrial({
      bucket: messaging.state.bucket('lease'),
      key: `${sweep}.${trial}`,
      worker: config.worker,
      recordAttempt: record.attempt,
      times,
      patienceMs: config.unreachableMs,
      backSinceMs: messaging.contact().sinceMs,
      clock,
    });
    if (claimed.kind !== 'claimed') return await delivery.nak(times.renewMs);
    claim = claimed.claim;

    const lose = (why: LossReason) => {
      if (lost.signal.aborted) return;
      logger.warn({ why, attempt: claimed.claim.attempt }, 'the claim is lost');
      lost.abort(new ClaimLost(why));
      trainer.kill();
      if (why === 'unreachable') context.onUnreachable();
    };
    claim.keep(() => delivery.working(), lose);
    const number = claim.attempt;
    const startedAt = new Date(clock.now());
    const attempt: Attempt = { delivery, record, number, engine, startedAt, lost: lost.signal, directory };
    const own: SlotContext = { ...context, logger };
    const output = createAttemptOutput(own, attempt);
    const checkpoints = createCheckpointCommitter(own, attempt, output, () => trainer.kill());
    const interruption = createInterruption(own);
    context.onAttempt({ sweep, trial, attempt: number, interrupt: interruption.interrupt, lose });

    const keeper = createLogKeeper(own, attempt, output);
    const end = await train(own, attempt, output, checkpoints, interruption)
      .catch((error): AttemptEnd => {
        lost.signal.throwIfAborted();
        if (error instanceof ClaimLost) throw error;
        return { kind: 'failed', evidence: { failure: toFailure(error) } };
      })
      .finally(() => {
        interruption.end();
        return keeper.stop();
      });
    lost.signal.throwIfAborted();
    await settle(own, end, attempt, output);
    const drained = end.kind === 'interrupted' && end.reason === 'drained';
    if (drained) {
      await claim.release(); // first, or whoever gets the message finds the trial held
      await delivery.nak(0);
    } else await Promise.all([claim.release(), delivery.ack()]);
  } catch (error) {
    if (lost.signal.aborted || error instanceof ClaimLost) return;
    logger.error({ err: error }, 'the attempt could not be stored');
    await giveBack(delivery, claim, times.renewMs).catch((cause) => {
      logger.error({ err: cause }, 'the message could not be given back; it comes back by itself');
    });
  } finally {
    context.onAttempt(null);
    // Asked first: a trial that wrote nothing has no folder, and a removal is several calls in other threads.
    if (existsSync(directory)) await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Step 1: the trial's record, or that nobody needs this message, or not now. */
async function readRecord(
  { assignment }: Delivery,
  { messaging }: SlotContext,
): Promise<TrialRecord | 'not-needed' | 'not-now'> {
  const entry = await messaging.state.bucket('trial').get(`${assignment.sweep}.${assignment.trial}`);
  if (entry === null) return 'not-needed';
  const record = TrialRecord.parse(entry.value);
  if (isFinal(record.state) || record.state === 'paused' || record.generation !== assignment.generation) {
    return 'not-needed';
  }
  // Somebody wants it cancelled or paused: the controller, who answers for that, takes the message out.
  return record.cancelRequest === undefined ? record : 'not-now';
}

/** Step 4: trains, unless the attempt is interrupted before it begins. */
async function train(
  context: SlotContext,
  attempt: Attempt,
  output: AttemptOutput,
  checkpoints: CheckpointCommitter,
  interruption: ReturnType<typeof createInterruption>,
): Promise<AttemptEnd> {
  const { trainer, config, clock } = context;
  const spec = await readSpec(context, attempt);
  const codeVersion = codeFor(spec, attempt, context);
  await fetchBackbone(context, spec, attempt.lost);
  const say = (line: string) => output.log('info', line);
  const signal = AbortSignal.any([attempt.lost, interruption.asked]);
  const dataset = await context.datasets.provide(spec.dataset, { signal, say }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return spec.dataset; // nothing is trained with it: see below
  });
  const specified = { ...attempt, spec, codeVersion };
  const resumeFrom = await fetchCheckpoint(context, specified, output);
  attempt.lost.throwIfAborted();
  const before = interruption.current();
  if (before !== null) return { kind: 'interrupted', reason: before.reason };

  let timedOut = false;
  const cancelTimeout = clock.after(spec.timeoutMs, () => {
    timedOut = true;
    trainer.kill();
  });
  const { checkpointSeconds } = config;
  const { directory, number } = attempt;
  const start = { type: 'start', spec: { ...spec, dataset }, attempt: number, directory, checkpointSeconds } as const;
  const running = trainer.run(resumeFrom === null ? start : { ...start, resumeFrom }, (event) =>
    passOn(event, output, (checkpoint) => checkpoints.add({ ...checkpoint, codeVersion })),
  );
  const end = await running.finally(cancelTimeout);
  attempt.lost.throwIfAborted();
  await checkpoints.settle();
  return judge(end, { timedOut, interruption: interruption.current(), attempt: specified });
}

/** What an end of the training process means for the attempt. */
function judge(
  ended: TrainerRunEnd,
  facts: { timedOut: boolean; interruption: Interruption | null; attempt: SpecifiedAttempt },
): AttemptEnd {
  const { timedOut, interruption, attempt } = facts;
  if (ended.kind === 'died') {
    // Killed because it did not stop in time: the last committed checkpoint has to do.
    if (interruption !== null && !timedOut) return { kind: 'interrupted', reason: interruption.reason };
    const { exit, stderr, oomKilled } = ended;
    return { kind: 'failed', evidence: { exit, stderr, oomKilled, timedOut } };
  }
  switch (ended.end.kind) {
    case 'finished':
      return { kind: 'finished', attempt, outcome: ended.end.outcome };
    case 'failed':
      return { kind: 'failed', evidence: { failure: ended.end.failure } };
    case 'stopped':
      return { kind: 'interrupted', reason: interruption?.reason ?? 'drained' };
  }
}

/** Step 5. */
async function settle(context: SlotContext, end: AttemptEnd, attempt: Attempt, output: AttemptOutput): Promise<void> {
  switch (end.kind) {
    case 'finished': {
      const stored = await storeResult(context, end.attempt, end.outcome, output).catch((error: unknown) => {
        attempt.lost.throwIfAborted();
        return { evidence: { failure: toFailure(error) } };
      });
      if ('evidence' in stored) return await fail(context, attempt, stored.evidence, output);
      if (stored.result.attempt !== attempt.number) {
        const winner = stored.result.attempt;
        context.logger.info({ attempt: attempt.number, winner }, 'another attempt finished first');
      }
      return await tellResult(context, end.attempt, stored, output);
    }
    case 'interrupted':
      return await storeRelease(context, attempt, end.reason, output);
    case 'failed':
      return await fail(context, attempt, end.evidence, output);
  }
}

async function fail(
  context: SlotContext,
  attempt: Attempt,
  evidence: FailureEvidence,
  output: AttemptOutput,
): Promise<void> {
  const classified = classifyFailure(evidence);
  output.log('error', `Attempt ${attempt.number} failed (${classified.class}): ${classified.failure.message}`);
  await storeFailure(context, attempt, classified, output);
}

function passOn(event: TrainerEvent, output: AttemptOutput, commit: (checkpoint: WrittenCheckpoint) => void): void {
  if (event.type === 'progress') output.progress(event.progress);
  else if (event.type === 'epoch') output.row(event.epoch, event.row);
  else if (event.type === 'log') output.log(event.level, event.message);
  else commit(event.checkpoint);
}

async function readSpec({ objects, clock }: SlotContext, { delivery, lost }: Attempt): Promise<TrialSpec> {
  const { spec, specKey } = delivery.assignment;
  if (spec !== undefined) return spec;
  const object = await retryTransient(() => objects.get(specKey), { clock, signal: lost });
  if (object === null) throw specMissing(specKey);
  try {
    return TrialSpec.parse(JSON.parse(Buffer.from(object.content).toString('utf8')));
  } catch (error) {
    throw specUnreadable(specKey, error);
  }
}

/** The code that trains a spec here. @throws AdctlError `code_version_mismatch` when it is not the planned one and nobody allowed that. */
function codeFor(spec: TrialSpec, { delivery }: Attempt, { config, codeVersionOf }: SlotContext): Sha256 {
  if (config.otherCode === 'not-compared') return spec.codeVersion;
  const own = codeVersionOf(spec.method);
  const mayDiffer = config.otherCode === 'trained' || delivery.assignment.codeChangeAccepted === true;
  if (own !== spec.codeVersion && !mayDiffer) throw codeVersionMismatch(spec, own);
  return own;
}

/** Brings the newest whole checkpoint of an earlier attempt to this machine; null when there is none. */
async function fetchCheckpoint(
  { objects, clock }: SlotContext,
  attempt: SpecifiedAttempt,
  output: AttemptOutput,
): Promise<LocalCheckpoint | null> {
  if (attempt.number === 1) return null; // numbers only rise, and outlive lost records: nobody was here before
  const { sweep, trial } = attempt.record;
  const load = () => loadNewestCheckpoint(objects, sweep, trial);
  const { checkpoint, skipped } = await retryTransient(load, { clock, signal: attempt.lost });
  for (const { manifestKey, reason } of skipped)
    output.log('warn', `Checkpoint ${manifestKey} is unusable: ${reason}.`);
  if (checkpoint === null) return null;
  if ((checkpoint.manifest.codeVersion ?? attempt.spec.codeVersion) !== attempt.codeVersion) {
    output.log(
      'warn',
      'Training begins anew: its checkpoint is of other code, and the numbers of a trial come from one code.',
    );
    return null;
  }
  const directory = join(attempt.directory, 'resume');
  await mkdir(directory, { recursive: true });
  for (const [name, content] of checkpoint.files) await writeFile(join(directory, name), content);
  const { attempt: number, epoch, step, threads } = checkpoint.manifest;
  return { directory, attempt: number, epoch, step, threads };
}

/** The wish to end an attempt, the first one counts, with the force behind it. */
function createInterruption({ trainer, clock, config }: SlotContext) {
  let current: Interruption | null = null;
  let cancelForce: () => void = () => undefined;
  const asked = new AbortController();
  return {
    current: () => current,
    /** Aborted by the wish, for what comes before the training. */
    asked: asked.signal,
    interrupt(interruption: Interruption) {
      if (current !== null) return;
      current = interruption;
      asked.abort();
      trainer.stop(interruption.checkpoint);
      cancelForce = clock.after(config.stopGraceMs, () => trainer.kill());
    },
    end: () => cancelForce(),
  };
}

async function giveBack(delivery: Delivery, claim: Claim | undefined, delayMs: number): Promise<void> {
  await claim?.release();
  await delivery.nak(delayMs);
}
