import {
  CheckpointManifest,
  checkpointPrefix,
  type GcProgress,
  headKey,
  isFinal,
  Lease,
  manifestKey,
  type SweepId,
  type SweepRecord,
  sweepCheckpointsPrefix,
  TrialId,
  TrialRecord,
  toFailure,
} from '@adctl/protocol';
import { parseJson, readHead, readResult } from '@adctl/storage';
import { CONTROLLER_ID } from '../apply/take-back.js';
import { trialKey } from '../apply/write-trial.js';
import type { ControllerContext } from '../context.js';
import { isPoison } from '../failure-scope.js';
import { readFrozenSweep, sweepRecords } from '../observe/load-sweeps.js';
import { isOver } from '../plan/is-over.js';
import { chooseTop, planGc, type SeenCheckpoint, type TrialFate, YOUNGEST_MS } from './plan-gc.js';

/** Search trials of an ended sweep whose checkpoints stay, beside all report trials. Our decision. */
const TOP_TRIALS = 10;
/** After a sweep's end everything stays this long: somebody may want to retry. Our decision. */
const GRACE_MS = 7 * 86_400_000;
/** Deleted checkpoints named in the account; the rest is only counted. */
const MOST_NAMED = 200;

type Progress = { -readonly [K in keyof GcProgress]: GcProgress[K] };
type GcContext = Pick<ControllerContext, 'objects' | 'sweeps' | 'trials' | 'leases' | 'results' | 'clock' | 'logger'>;

const idle = (): Progress => ({
  version: 1,
  state: 'idle',
  dryRun: false,
  sweeps: 0,
  sweepsDone: 0,
  kept: {},
  deleted: {},
  indexParts: 0,
  bytes: 0,
  prefixes: [],
});

/** Clears checkpoints and parts of the index of results away that nobody needs any more; runs in the leader, beside its turns. */
export class GarbageCollection {
  #progress: Progress = idle();

  constructor(private readonly context: GcContext) {}

  progress(): GcProgress {
    return structuredClone(this.#progress);
  }

  /** Begins, unless it is under way already. @param dryRun deletes nothing. */
  start(dryRun: boolean): GcProgress {
    if (this.#progress.state === 'running') return this.progress();
    const progress: Progress = { ...idle(), state: 'running', dryRun };
    this.#progress = progress;
    this.#run(progress).then(
      () => {
        progress.state = 'done';
        const { prefixes: _named, ...account } = progress;
        this.context.logger.info(account, 'garbage collected');
      },
      (error: unknown) => {
        progress.state = 'failed';
        progress.failure = toFailure(error);
        this.context.logger.warn({ err: error }, 'garbage collection broke off; the next one goes on');
      },
    );
    return this.progress();
  }

  async #run(progress: Progress): Promise<void> {
    const records = await sweepRecords(this.context);
    progress.sweeps = records.length;
    for (const record of records) {
      try {
        await this.#sweep(record, progress);
      } catch (error) {
        if (!isPoison(error)) throw error;
        this.context.logger.warn({ err: error, sweep: record.sweep }, 'garbage of a sweep that cannot be read stays');
      }
      progress.sweepsDone += 1;
    }
  }

  async #sweep(record: SweepRecord, progress: Progress): Promise<void> {
    const { sweep } = record;
    let fates: ((trial: TrialId) => TrialFate) | undefined;
    for await (const [trial, checkpoints] of byTrial(this.context, sweep)) {
      fates ??= await fatesOf(this.context, record);
      await this.#trial(sweep, trial, checkpoints, fates(trial), progress);
    }
    const before = new Date(this.context.clock.now() - YOUNGEST_MS);
    const { parts, bytes } = await this.context.results.deleteOldParts(sweep, { before, dryRun: progress.dryRun });
    progress.indexParts += parts;
    progress.bytes += bytes;
  }

  async #trial(
    sweep: SweepId,
    trial: TrialId,
    checkpoints: readonly SeenCheckpoint[],
    fate: TrialFate,
    progress: Progress,
  ): Promise<void> {
    const { objects, clock } = this.context;
    const { head } = await readHead(objects, sweep, trial);
    const keptEpoch = await keptEpochOf(this.context, sweep, trial);
    const seen = keptEpoch === undefined ? checkpoints : await withEpochs(this.context, checkpoints);
    // The lease is read last: what is claimed from here on continues from what stays, or from nothing that was there.
    const heldAttempt = await heldAttemptOf(this.context, sweep, trial);
    const plan = planGc(
      { sweep, trial, fate, checkpoints: seen, head, heldAttempt, keptEpoch },
      { nowMs: clock.now() },
    );
    for (const { checkpoint, delete: isDeleted, why } of plan) {
      const counts = isDeleted ? progress.deleted : progress.kept;
      counts[why] = (counts[why] ?? 0) + 1;
      if (!isDeleted) continue;
      progress.bytes += checkpoint.bytes;
      const prefix = checkpointPrefix(sweep, trial, checkpoint.attempt, checkpoint.step);
      if (progress.prefixes.length < MOST_NAMED) progress.prefixes.push(prefix);
      if (!progress.dryRun) await this.#delete(checkpoint);
    }
    const nothingLeft = plan.length > 0 && plan.every((decision) => decision.delete);
    if (nothingLeft && head !== null && !progress.dryRun) await objects.delete(headKey(sweep, trial));
  }

  /** The manifest first: a crash leaves files that nobody takes for a checkpoint, and that the next run finds. */
  async #delete({ manifest, committed, files }: SeenCheckpoint): Promise<void> {
    if (committed) await this.context.objects.delete(manifest);
    for (const file of files) await this.context.objects.delete(file);
  }
}

/** Checkpoints of a sweep, trial by trial, as keys come in order. */
async function* byTrial(
  { objects }: GcContext,
  sweep: SweepId,
): AsyncGenerator<readonly [TrialId, readonly SeenCheckpoint[]]> {
  const prefix = sweepCheckpointsPrefix(sweep);
  let trial: TrialId | undefined;
  let open = new Map<string, SeenCheckpoint & { files: string[] }>();
  for await (const { key, bytes, modifiedAt } of objects.list(prefix)) {
    const match = /^([^/]+)\/a(\d+)\/s(\d+)\//.exec(key.slice(prefix.length));
    const id = TrialId.safeParse(match?.[1]);
    if (match === null || !id.success) continue;
    if (trial !== undefined && id.data !== trial) {
      yield [trial, [...open.values()]];
      open = new Map();
    }
    trial = id.data;
    const [attempt, step] = [Number(match[2]), Number(match[3])];
    const manifest = manifestKey(sweep, trial, attempt, step);
    const before = open.get(manifest);
    const files = before?.files ?? [];
    if (key !== manifest) files.push(key);
    open.set(manifest, {
      attempt,
      step,
      committed: before?.committed === true || key === manifest,
      epoch: undefined,
      bytes: (before?.bytes ?? 0) + bytes,
      newestMs: Math.max(before?.newestMs ?? 0, modifiedAt.getTime()),
      manifest,
      files,
    });
  }
  if (trial !== undefined) yield [trial, [...open.values()]];
}

async function fatesOf(context: GcContext, record: SweepRecord): Promise<(trial: TrialId) => TrialFate> {
  const overSince = Date.parse(record.finishedAt ?? '');
  if (!isOver(record) || !(context.clock.now() - overSince >= GRACE_MS)) return () => 'live';
  const { sweep } = await readFrozenSweep(context, record);
  const trials = (await context.trials.entries(record.sweep)).map(({ value }) => TrialRecord.parse(value));
  const top = chooseTop(trials, sweep.objective.goal, TOP_TRIALS);
  return (trial) => (top.has(trial) ? 'top' : 'past');
}

async function keptEpochOf(
  { trials, objects }: GcContext,
  sweep: SweepId,
  trial: TrialId,
): Promise<number | undefined> {
  const entry = await trials.get(trialKey(sweep, trial));
  if (entry === null) return undefined;
  const { state, resultKey } = TrialRecord.parse(entry.value);
  if (!isFinal(state) || resultKey === undefined) return undefined;
  return (await readResult(objects, resultKey))?.keptEpoch;
}

async function withEpochs({ objects }: GcContext, checkpoints: readonly SeenCheckpoint[]): Promise<SeenCheckpoint[]> {
  return Promise.all(
    checkpoints.map(async (checkpoint) => {
      const object = checkpoint.committed ? await objects.get(checkpoint.manifest) : null;
      const manifest = CheckpointManifest.safeParse(object === null ? undefined : parseJson(object.content));
      return manifest.success ? { ...checkpoint, epoch: manifest.data.epoch } : checkpoint;
    }),
  );
}

async function heldAttemptOf({ leases }: GcContext, sweep: SweepId, trial: TrialId): Promise<number | null> {
  const entry = await leases.get(trialKey(sweep, trial));
  if (entry === null) return null;
  const lease = Lease.parse(entry.value);
  return lease.released === true || lease.worker === CONTROLLER_ID ? null : lease.attempt;
}
