import type { Clock } from '@adctl/messaging';
import { AdctlError, type PoolStatus, type WorkerPod, type WorkerSummary } from '@adctl/protocol';
import type { V1OwnerReference } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { LossClass } from '../plan/loss.js';
import type { JobPatch, KubernetesClient } from './client.js';
import { type DemandingSweep, demandByClass } from './demand.js';
import type { Follower } from './follow.js';
import { mayPass } from './kube-errors.js';
import { ANNOTATIONS, LABELS, templateDigest, workerJobName } from './names.js';
import type { ObservedJob, ObservedPod } from './observed.js';
import { type PoolAction, type PoolPlan, planPool, shareDemand } from './plan-pool.js';
import { lossOfPod } from './pod-end.js';
import { buildWorkerJob, type JobSurroundings } from './pod-spec.js';
import type { PoolsFile } from './pool.js';
import type { PoolBoard } from './pool-board.js';
import { PoolRecord } from './pool-record.js';
import type { Recorder } from './recorder.js';
import { Signs } from './signs.js';
import { type StartStages, startStages } from './start-stages.js';
import { isOver, type PodWorker, readWorker } from './worker-state.js';

/** What the pools need of the controller. */
export interface PoolsController {
  /** Sweeps that are not over. */
  sweeps(): readonly DemandingSweep[];
  /** Most trials of an owner in flight. */
  slotsOf(owner: string): number;
  /** Workers as last heard. */
  workers(): readonly WorkerSummary[];
  /** A worker's process has ended: what it held must be given to others. */
  workerGone(worker: string, how: LossClass): Promise<void>;
  /** Asks a worker to save its trials and end. */
  drain(worker: string): Promise<void>;
}

export interface PoolsOptions {
  readonly file: PoolsFile;
  readonly namespace: string;
  readonly instance: string;
  /** What the Jobs go with; undefined: nothing. */
  readonly owner: V1OwnerReference | undefined;
  /** Of the leading controller; see `workerJobName`. */
  readonly term: number;
  readonly controller: PoolsController;
  readonly client: KubernetesClient;
  readonly jobs: Follower<ObservedJob>;
  readonly pods: Follower<ObservedPod>;
  readonly recorder: Recorder;
  readonly board: PoolBoard;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A worker not heard of this long is silent. */
  readonly silenceMs: number;
  /** False once another controller leads: nothing is written any more. */
  readonly mayWrite: () => boolean;
  /** Hears of every worker that can train for the first time, for metrics. */
  readonly onStart?: ((pool: string, stages: StartStages) => void) | undefined;
}

/** Jobs made in one look, so that a large demand does not hold up everything else. */
const MOST_CREATED_AT_ONCE = 20;

/**
 * Observe, plan, apply: keeps the workers of every pool at the number that the trials need. Level-triggered: a look reads
 * everything there is, and depends on no event having been seen.
 */
export class Pools {
  readonly #records: readonly PoolRecord[];
  readonly #signs = new Signs();
  readonly #around: JobSurroundings;
  readonly #listeningSinceMs: number;
  /** What Events were written about, by Job. */
  readonly #told = new Map<string, Set<string>>();
  /** Pods that have not ended, with what their end would mean as far as they tell. */
  readonly #podsSeen = new Map<string, LossClass>();
  #made = 0;

  constructor(private readonly options: PoolsOptions) {
    const { pools, ...shared } = options.file;
    const { namespace, instance, owner } = options;
    this.#around = { namespace, instance, shared, owner };
    this.#records = pools.map((pool) => new PoolRecord(pool, templateDigest(pool, shared)));
    this.#listeningSinceMs = options.clock.now();
  }

  /** Asks the API server what it thinks of each pool's Jobs; shown as a condition. */
  async tryAll(): Promise<void> {
    for (const record of this.#records) {
      const job = buildWorkerJob(record.pool, { name: `${record.pool.name}-trial`, kept: false }, this.#around);
      try {
        record.noteTrial({ warnings: await this.options.client.tryJob(job) });
      } catch (error) {
        if (mayPass(error)) throw error;
        record.noteTrial({ refused: wordsOf(error) });
        this.options.logger.error({ err: error, pool: record.pool.name }, 'the API server refuses the Jobs of a pool');
      }
    }
  }

  /** One look and what follows from it. @throws what the API server says, when nothing can be done for now. */
  async reconcile(): Promise<void> {
    const { controller, board, clock } = this.options;
    const nowMs = clock.now();
    this.#signs.note(controller.workers(), nowMs);
    const workers = this.#observe(nowMs);
    await this.#noteEndedPods();
    const demand = demandByClass(controller.sweeps(), (owner) => controller.slotsOf(owner));
    const shares = shareDemand(
      this.#records.map((record) => ({ ...record.pool, closed: record.isClosed(nowMs) })),
      demand,
    );
    const statuses: PoolStatus[] = [];
    for (const record of this.#records) {
      const { pool, template } = record;
      const own = workers.filter((worker) => worker.pool === pool.name);
      await this.#noteStarts(record, own);
      const share = shares.get(pool.name) ?? 0;
      const plan = planPool({ pool, template, demand: share, workers: own, circuit: record.circuit, nowMs });
      statuses.push(statusOf(record, plan, own, nowMs));
      await this.#apply(record, plan.actions);
    }
    board.set(statuses, workers.flatMap(toWorkerPod));
    for (const worker of workers) await this.#tell(worker);
    this.#forgetOthers(workers);
  }

  #observe(nowMs: number): PodWorker[] {
    const { jobs, pods, silenceMs } = this.options;
    const byJob = Map.groupBy(pods.items(), ({ metadata }) => metadata.labels[LABELS.jobName] ?? '');
    const signOf = (worker: string) => this.#signs.of(worker);
    return jobs.items().map((job) =>
      readWorker({
        ...{ job, signOf, nowMs, silenceMs, listeningSinceMs: this.#listeningSinceMs },
        pods: byJob.get(job.metadata.name) ?? [],
      }),
    );
  }

  /** A pod that has ended or vanished takes its worker with it, whatever the worker's last words were. */
  async #noteEndedPods(): Promise<void> {
    const ended = new Map<string, LossClass>();
    const living = new Map<string, LossClass>();
    const suspended = new Set(
      this.options.jobs.items().flatMap(({ spec, metadata }) => (spec.suspend ? metadata.name : [])),
    );
    for (const pod of this.options.pods.items()) {
      const { name, labels } = pod.metadata;
      const spot = this.#records.some(({ pool }) => pool.name === labels[LABELS.pool] && pool.spot);
      const how = lossOfPod(pod, { spot, suspended: suspended.has(labels[LABELS.jobName] ?? '') });
      (isOver(pod) ? ended : living).set(name, how);
    }
    for (const [pod, seen] of this.#podsSeen) {
      if (living.has(pod)) continue;
      this.#podsSeen.delete(pod);
      const how = ended.get(pod) ?? seen; // of one that has vanished: what was last seen of it
      if (this.#signs.of(pod) !== undefined) await this.options.controller.workerGone(pod, how);
    }
    for (const [pod, how] of living) this.#podsSeen.set(pod, how);
    this.#signs.keepOnly(new Set(living.keys()));
  }

  async #noteStarts(record: PoolRecord, workers: readonly PodWorker[]): Promise<void> {
    const opener = record.noteWorkers(workers);
    if (opener !== undefined) await this.#noteOpened(record, opener);
  }

  async #noteOpened(record: PoolRecord, { job, jobUid }: PodWorker): Promise<void> {
    const { clock, recorder, logger } = this.options;
    const open = record.conditions(clock.now()).find(({ type }) => type === 'CircuitOpen');
    logger.error({ pool: record.pool.name, why: open?.message }, 'no further workers for a while');
    await recorder.record('PoolCircuitOpen', { name: job, uid: jobUid }, open?.message ?? '');
  }

  async #apply(record: PoolRecord, actions: readonly PoolAction[]): Promise<void> {
    let created = 0;
    for (const action of actions) {
      if (!this.options.mayWrite()) return;
      if (action.action === 'drain') await this.#drain(action.worker, action.why);
      else if (action.action === 'delete') await this.#delete(record, action);
      else if (created++ < MOST_CREATED_AT_ONCE && !record.isPaused(this.options.clock.now())) {
        await this.#create(record, action.kept);
      }
    }
  }

  async #create(record: PoolRecord, kept: boolean): Promise<void> {
    const { client, jobs, recorder, clock, logger, term } = this.options;
    const { pool } = record;
    this.#made += 1;
    const name = workerJobName(pool.name, term, this.#made);
    try {
      const made = await client.createJob(buildWorkerJob(pool, { name, kept }, this.#around));
      jobs.note(made); // it must count from now on, whenever the watch tells
      record.noteCreated(name);
      logger.info({ pool: pool.name, job: name }, 'worker made');
      await recorder.record('WorkerCreated', { name, uid: made.metadata.uid }, `a worker of pool ${pool.name}`);
    } catch (error) {
      record.noteRefused(wordsOf(error), clock.now());
      logger.warn({ err: error, pool: pool.name }, 'a worker was not made');
    }
  }

  async #delete(
    record: PoolRecord,
    { worker, why, message }: Extract<PoolAction, { action: 'delete' }>,
  ): Promise<void> {
    const { client, jobs, recorder, controller, clock, logger } = this.options;
    const subject = { name: worker.job, uid: worker.jobUid };
    logger.warn({ pool: worker.pool, job: worker.job, pod: worker.pod, why: message }, `worker deleted: ${why}`);
    if (why === 'lost') await recorder.record('WorkerLost', subject, message);
    if (why === 'too-slow') {
      await recorder.record('WorkerFailed', subject, message);
      if (record.noteStart({ up: false, atMs: clock.now(), why: message })) await this.#noteOpened(record, worker);
    }
    await client.deleteJob(subject);
    for (const job of jobs.items()) if (job.metadata.uid === worker.jobUid) jobs.forget(job);
    // Its attempt number fences a process that may still run there.
    if (worker.pod === undefined || this.#signs.of(worker.pod) === undefined) return;
    await controller.workerGone(worker.pod, this.#podsSeen.get(worker.pod) ?? 'node-lost');
  }

  /** Asked for again at every look until the worker says that it drains; told of once. */
  async #drain(worker: PodWorker, why: string): Promise<void> {
    if (worker.pod !== undefined) await this.options.controller.drain(worker.pod);
    if (this.#isNews(worker, 'drained')) {
      this.options.logger.info({ pool: worker.pool, job: worker.job, why }, 'worker drained');
      await this.options.recorder.record('WorkerDrained', { name: worker.job, uid: worker.jobUid }, why);
    }
  }

  /** What is written about a worker beside its actions: Events on changes of state, the first sign of life, the owner. */
  async #tell(worker: PodWorker): Promise<void> {
    const { recorder, owner, jobs, mayWrite } = this.options;
    if (!mayWrite() || worker.deleting) return;
    const subject = { name: worker.job, uid: worker.jobUid };
    if (worker.state === 'unschedulable' && this.#isNews(worker, `unschedulable ${worker.reason}`)) {
      await recorder.record('WorkerUnschedulable', subject, worker.reason ?? '');
    }
    if (worker.queued && this.#isNews(worker, 'queued'))
      await recorder.record('QuotaWaiting', subject, worker.reason ?? '');
    const { metadata } = jobs.items().find((job) => job.metadata.uid === worker.jobUid) ?? {};
    if (metadata === undefined) return;
    if (worker.readyMs !== undefined && metadata.annotations[ANNOTATIONS.firstReady] === undefined) {
      if (this.#isNews(worker, 'ready')) this.options.onStart?.(worker.pool, startStages(worker, worker.readyMs));
      const annotations = { [ANNOTATIONS.firstReady]: new Date(worker.readyMs).toISOString() };
      await this.#patch(worker, { annotations });
    }
    if (owner !== undefined && !metadata.ownerReferences.some(({ uid }) => uid === owner.uid)) {
      // Made by an earlier version of the controller: it must not go with what that one belonged to.
      await this.#patch(worker, { ownerReferences: [owner] });
    }
  }

  async #patch({ job }: PodWorker, patch: JobPatch): Promise<void> {
    const patched = await this.options.client.patchJob(job, patch);
    if (patched !== undefined) this.options.jobs.note(patched);
  }

  #isNews({ jobUid }: PodWorker, what: string): boolean {
    const told = this.#told.get(jobUid) ?? new Set();
    this.#told.set(jobUid, told);
    if (told.has(what)) return false;
    told.add(what);
    return true;
  }

  #forgetOthers(workers: readonly PodWorker[]): void {
    const there = new Set(workers.map(({ jobUid }) => jobUid));
    for (const uid of this.#told.keys()) if (!there.has(uid)) this.#told.delete(uid);
  }
}

function statusOf(record: PoolRecord, { desired }: PoolPlan, workers: readonly PodWorker[], nowMs: number): PoolStatus {
  const { name, class: className, min, max } = record.pool;
  return {
    ...{ pool: name, class: className, min, max, desired },
    workers: workers.filter((worker) => toWorkerPod(worker).length > 0).length,
    conditions: record.conditions(nowMs),
  };
}

/** Ended workers are not shown. */
function toWorkerPod({ pod, job, pool, state, reason, node, createdMs }: PodWorker): WorkerPod[] {
  if (state === 'completed' || state === 'failed') return [];
  return [
    {
      ...(pod === undefined ? {} : { worker: pod }),
      ...{ job, pool, state },
      ...(reason === undefined ? {} : { reason }),
      ...(node === undefined ? {} : { node }),
      createdAt: new Date(createdMs).toISOString(),
    },
  ];
}

function wordsOf(error: unknown): string {
  return error instanceof AdctlError ? error.message : String(error);
}
