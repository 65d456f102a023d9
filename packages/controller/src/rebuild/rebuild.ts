import {
  AdctlError,
  digestOf,
  type RebuildProgress,
  SWEEP_SPEC_PREFIX,
  SweepId,
  SweepRecord,
  sweepStatusKey,
  type TrialRecord,
  toFailure,
} from '@adctl/protocol';
import { parseJson, readResult } from '@adctl/storage';
import { toResultFacts } from '../apply/results.js';
import { identityKey } from '../apply/reuse.js';
import { readAttempt } from '../apply/take-back.js';
import { createLostSweep, createLostTrial } from '../apply/write-trial.js';
import { inBatches } from '../batches.js';
import { type ControllerContext, isoNow, nowOf } from '../context.js';
import type { Controller } from '../controller.js';
import { trialsRunning } from '../errors.js';
import { isPoison } from '../failure-scope.js';
import { loadHeldSweep, readFrozenSweep } from '../observe/load-sweeps.js';
import { countSearchTrials, type FrozenSweep } from '../plan/frozen-sweep.js';
import { isOver } from '../plan/is-over.js';
import { REASONS } from '../reasons.js';
import { submissionOf } from '../submission.js';
import { findEvidence, type TrialEvidence } from './find-evidence.js';
import { makeRecord } from './make-record.js';

type Progress = { -readonly [K in keyof RebuildProgress]: RebuildProgress[K] };

const IDLE: Progress = {
  version: 1,
  state: 'idle',
  sweeps: 0,
  sweepsDone: 0,
  sweepsCreated: 0,
  trialsCreated: 0,
  results: 0,
  unreadable: [],
};

/**
 * Makes lost records of sweeps and trials again from the object store alone. What is in the state store already is left as it
 * is, so a rebuild may be repeated and interrupted. It runs in the leader: records have one writer.
 */
export class Rebuild {
  #progress: Progress = { ...IDLE };

  constructor(private readonly controller: Pick<Controller, 'context' | 'settled'>) {}

  progress(): RebuildProgress {
    return { ...this.#progress, unreadable: [...this.#progress.unreadable] };
  }

  /**
   * Begins, unless one is under way already.
   * @throws AdctlError user `trials_running`, but for `force`.
   */
  start(force: boolean): RebuildProgress {
    if (this.#progress.state === 'running') return this.progress();
    const { books, logger } = this.controller.context;
    const running = [...books.values()].reduce((sum, { counts }) => sum + counts.running, 0);
    if (running > 0 && !force) throw trialsRunning(running);
    this.#progress = { ...IDLE, unreadable: [], state: 'running' };
    const progress = this.#progress;
    this.#run(progress).then(
      () => {
        progress.state = 'done';
        logger.info(progress, 'rebuilt');
      },
      (error: unknown) => {
        progress.state = 'failed';
        progress.failure = toFailure(error);
        logger.error({ err: error }, 'rebuilding failed');
      },
    );
    return this.progress();
  }

  async #run(progress: Progress): Promise<void> {
    const { context } = this.controller;
    const sweeps: SweepId[] = [];
    for await (const { key } of context.objects.list(SWEEP_SPEC_PREFIX)) {
      const sweep = SweepId.safeParse(key.slice(SWEEP_SPEC_PREFIX.length, -'.json'.length));
      if (sweep.success) sweeps.push(sweep.data);
    }
    progress.sweeps = sweeps.length;
    for (const sweep of sweeps) {
      const frozen = await orUnreadable(progress, sweep, () => readFrozenSweep(context, { sweep }));
      if (frozen !== null) await this.#sweep(frozen, progress);
      progress.sweepsDone += 1;
    }
    context.wake();
  }

  /**
   * A large sweep takes long, so all others go on meanwhile. This one stands aside: the turns see all of its records or none of
   * them.
   */
  async #sweep(frozen: FrozenSweep, progress: Progress): Promise<void> {
    const { context, settled } = this.controller;
    await settled(async () => setAside(context, frozen.id));
    try {
      await rebuildSweep(context, frozen, progress);
    } finally {
      await settled(() => bringBack(context, frozen.id));
    }
  }
}

function setAside({ books, held }: ControllerContext, sweep: SweepId): void {
  books.delete(sweep);
  held.set(sweep, { reason: REASONS.isRebuilt, isRebuilt: true });
}

/** Reads it again, with the leases that were renewed meanwhile, unless it is over or was never accepted. */
async function bringBack(context: ControllerContext, sweep: SweepId): Promise<void> {
  const { held } = context;
  held.set(sweep, { reason: REASONS.rebuildBroke });
  const stored = await context.sweeps.get(sweep);
  const record = stored === null ? undefined : SweepRecord.safeParse(stored.value).data;
  if (stored === null || (record !== undefined && isOver(record))) {
    held.delete(sweep);
    return;
  }
  try {
    await loadHeldSweep(context, sweep);
  } catch (error) {
    if (!isPoison(error)) throw error; // held, for the reason of now
  }
}

/** Trials first, the sweep last: a sweep without its trials would run them again. */
async function rebuildSweep(context: ControllerContext, frozen: FrozenSweep, progress: Progress): Promise<void> {
  const { id: sweep } = frozen;
  let expanded = 0;
  const all = await findEvidence(context.objects, sweep);
  await inBatches(all, async (evidence) => {
    const record = await orUnreadable(progress, evidence.result?.key ?? evidence.trial, () =>
      readRecord(context, frozen, evidence, progress),
    );
    if (record === null) return;
    expanded = Math.max(expanded, record.index + 1);
    if (await createLostTrial(context, record)) progress.trialsCreated += 1;
  });
  const status = await orUnreadable(progress, sweepStatusKey(sweep), () => statusOf(context, frozen, expanded));
  // Frozen, but never accepted: nothing was noted of it and nothing ran.
  if (status === null && all.length === 0) return;
  const lost = status ?? { ...asSubmitted(context, frozen), expanded };
  const created = await createLostSweep(context, lost);
  await submissionOf(context, lost, lost.owner)?.claim(sweep);
  if (created) progress.sweepsCreated += 1;
}

async function readRecord(
  context: ControllerContext,
  frozen: FrozenSweep,
  evidence: TrialEvidence,
  progress: Progress,
): Promise<TrialRecord> {
  const { id: sweep, sweep: file } = frozen;
  const { key } = evidence.result ?? {};
  const result = key === undefined ? null : await readResult(context.objects, key);
  if (result !== null) progress.results += 1;
  const attempts = await Promise.all(
    evidence.attempts.map(async ({ key: recordKey, generation }) => {
      const attempt = await readAttempt(context, recordKey);
      return attempt === null ? [] : [{ generation, attempt }];
    }),
  );
  const record = makeRecord({
    sweep,
    evidence,
    searchTrials: countSearchTrials(frozen),
    result: result === null || key === undefined ? undefined : toResultFacts(result, key, file.objective),
    attempts: attempts.flat(),
    now: nowOf(context),
  });
  const isRemembered = record.reusedFrom === undefined && record.otherCode === undefined;
  if (result !== null && record.state === 'completed' && isRemembered) {
    const { trial, resultKey } = record;
    await context.identities.create(identityKey(frozen.class, result.spec.identity), {
      version: 1,
      sweep,
      trial,
      resultKey,
    });
  }
  return record;
}

/** The sweep's record as last noted in the object store. */
async function statusOf(
  context: ControllerContext,
  frozen: FrozenSweep,
  expanded: number,
): Promise<SweepRecord | null> {
  const object = await context.objects.get(sweepStatusKey(frozen.id));
  const parsed = SweepRecord.safeParse(object === null ? undefined : parseJson(object.content));
  return parsed.success ? { ...parsed.data, term: undefined, expanded } : null;
}

/** What the frozen file alone says: its owner is not in it. */
function asSubmitted(context: ControllerContext, frozen: FrozenSweep): SweepRecord {
  return {
    version: 1,
    sweep: frozen.id,
    name: frozen.sweep.name,
    owner: 'unknown',
    state: 'search',
    priority: 'normal',
    parallel: frozen.sweep.limits.parallel,
    createdAt: isoNow(context),
    searchTrials: countSearchTrials(frozen),
    expanded: 0,
    fresh: frozen.freshToken !== undefined,
    specDigest: digestOf(frozen),
  };
}

/** What cannot be read is reported and left alone; a store that is away ends the rebuild. */
async function orUnreadable<T>(progress: Progress, key: string, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AdctlError && error.kind === 'transient') throw error;
    progress.unreadable = [...progress.unreadable, key];
    return null;
  }
}
