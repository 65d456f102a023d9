import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '@adctl/messaging';
import { type EmbeddedMessaging, openEmbedded } from '@adctl/messaging/embedded';
import {
  AttemptRecord,
  type FailureClass,
  Lease,
  type LogLine,
  type Sha256,
  SweepId,
  sha256,
  TrialId,
  type TrialProgress,
  type TrialRecord,
  type TrialResult,
  TrialSpec,
  trialSpecKey,
  WorkerId,
} from '@adctl/protocol';
import { type ObjectStore, readResult } from '@adctl/storage';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { pino } from 'pino';
import { parseWorkerConfig, type WorkerConfig } from '../config.js';
import { createDatasetProvider } from '../provide-dataset.js';
import { createWorker, type Worker } from '../worker.js';

const SWEEP = SweepId.parse('toy-00000000');
const CODE = sha256('code') as Sha256;

/** Real embedded messaging, a real object store, and workers in this process with real training processes. */
export interface Bench {
  readonly directory: string;
  readonly messaging: EmbeddedMessaging;
  readonly objects: ObjectStore;
  /** Stores a spec of the noop method and its record, and puts it into the queue. */
  addTrial(hyperparameters?: Record<string, unknown>, options?: TrialOptions): Promise<TrialId>;
  /** Puts a trial into the queue, again. */
  enqueue(trial: TrialId, options?: Pick<TrialOptions, 'codeChangeAccepted'>): Promise<void>;
  startWorker(options?: WorkerOptions): StartedWorker;
  /** The next event of a kind, whenever it comes. */
  nextEvent(kind: 'result' | 'attempt' | 'release', trial: TrialId): Promise<Record<string, unknown>>;
  /** Resolves once the trial's lease satisfies the condition. */
  untilLease(trial: TrialId, condition: (lease: Lease) => boolean): Promise<{ lease: Lease; revision: number }>;
  /** Resolves once the training tells progress of this epoch. */
  untilEpoch(trial: TrialId, epoch: number): Promise<void>;
  /** Resolves once the trial's log says these words. */
  untilLogged(trial: TrialId, words: string): Promise<void>;
  result(trial: TrialId): Promise<TrialResult | null>;
  attemptRecord(event: Record<string, unknown>): Promise<AttemptRecord>;
  objectKeys(): Promise<string[]>;
  /** Subjects of everything in the event log. */
  events(): Promise<string[]>;
  /** Resolves once the queue is empty. */
  untilQueueEmpty(): Promise<void>;
  close(): Promise<void>;
}

export interface TrialOptions {
  readonly record?: Partial<TrialRecord>;
  readonly spec?: Partial<TrialSpec>;
  readonly codeChangeAccepted?: boolean;
}

export interface WorkerOptions extends Partial<Omit<WorkerConfig, 'trainer' | 'objects'>> {
  readonly name?: string;
  readonly codeVersion?: Sha256;
  readonly objects?: ObjectStore;
  /** Default: this user's. */
  readonly cacheDir?: string;
  /** Bring images although the trainer reads none. Default false. */
  readonly bringsImages?: boolean;
}

export interface StartedWorker {
  readonly id: WorkerId;
  readonly worker: Worker;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
}

export const ACK_WAIT_MS = 2_000;

export function createBench(): Bench {
  const directory = mkdtempSync(join(tmpdir(), 'adctl-worker-'));
  const messaging = openEmbedded({ directory, ackWaitMs: ACK_WAIT_MS });
  const objects = createFilesystemStore(join(directory, 'objects'));
  const stopped = new AbortController();
  const workers: StartedWorker[] = [];
  let trials = 0;
  let messages = 0;
  const keyOf = (trial: TrialId) => `${SWEEP}.${trial}`;

  const untilTopic = async (topic: string, condition: (payload: unknown) => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = await messaging.control.subscribe(topic, (_, payload) => {
      if (condition(payload)) resolve();
    });
    await promise;
    await stop();
  };

  const bench: Bench = {
    directory,
    messaging,
    objects,
    async addTrial(hyperparameters = {}, options = {}) {
      const trial = TrialId.parse(`t${String(trials).padStart(6, '0')}-00000000`);
      const spec = toySpec(trial, trials++, { hyperparameters, ...options.spec });
      await objects.put(trialSpecKey(SWEEP, trial), Buffer.from(JSON.stringify(spec)));
      await messaging.state.bucket('trial').put(keyOf(trial), toyRecord(spec, options.record));
      await bench.enqueue(trial, options);
      return trial;
    },
    async enqueue(trial, { codeChangeAccepted = false } = {}) {
      const specKey = trialSpecKey(SWEEP, trial);
      await messaging.queue.publish({
        class: 'cpu',
        priority: 'normal',
        messageId: `m-${messages++}`,
        assignment: { version: 1, sweep: SWEEP, trial, generation: 0, specKey, codeChangeAccepted },
      });
    },
    startWorker(options = {}) {
      const {
        name = `w-${workers.length}`,
        codeVersion = CODE,
        objects: store = objects,
        cacheDir,
        bringsImages = false,
        ...changes
      } = options;
      const id = WorkerId.parse(name);
      const variables = { ADCTL_DIRECTORY: directory, ADCTL_WORKER_ID: id, ADCTL_TRAINER: 'noop' };
      const base = parseWorkerConfig(cacheDir === undefined ? variables : { ...variables, ADCTL_CACHE_DIR: cacheDir });
      const config = { ...base, ackWaitMs: ACK_WAIT_MS, heartbeatMs: 100, checkpointSeconds: 0, ...changes };
      const images = { objects: store, config, clock: systemClock };
      const worker = createWorker({
        config,
        ...(bringsImages ? { datasets: createDatasetProvider(images) } : {}),
        messaging,
        objects: store,
        codeVersionOf: () => codeVersion,
        codeVersion,
        logger: pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' }),
      });
      const started = { id, worker, ended: worker.run() };
      workers.push(started);
      return started;
    },
    async nextEvent(kind, trial) {
      const { signal } = stopped;
      for await (const event of messaging.events.follow(`${kind}.${SWEEP}.${trial}.>`, { signal })) {
        return event.data as Record<string, unknown>;
      }
      throw new Error(`the bench was closed before a ${kind} event of ${trial}`);
    },
    async untilLease(trial, condition) {
      for await (const change of messaging.state.bucket('lease').watch(keyOf(trial), stopped.signal)) {
        if (change === 'ready' || change.value === null) continue;
        const lease = Lease.parse(change.value);
        if (condition(lease)) return { lease, revision: change.revision };
      }
      throw new Error(`the bench was closed before the lease of ${trial} was as expected`);
    },
    untilEpoch: (trial, epoch) =>
      untilTopic(`progress.${SWEEP}.${trial}`, (payload) => (payload as TrialProgress).epoch >= epoch),
    untilLogged: (trial, words) =>
      untilTopic(`log.${SWEEP}.${trial}`, (payload) => (payload as LogLine).message.includes(words)),
    async result(trial) {
      for await (const { key } of objects.list(`v1/result/${SWEEP}/`)) {
        if (key.includes(trial)) return await readResult(objects, key);
      }
      return null;
    },
    async attemptRecord(event) {
      const stored = await objects.get(event.recordKey as string);
      return AttemptRecord.parse(JSON.parse(Buffer.from(stored?.content ?? []).toString('utf8')));
    },
    async objectKeys() {
      const keys: string[] = [];
      for await (const { key } of objects.list('v1/')) keys.push(key);
      return keys;
    },
    async events() {
      const subjects: string[] = [];
      for await (const { subject } of messaging.events.read('>')) subjects.push(subject);
      return subjects;
    },
    async untilQueueEmpty() {
      while ((await messaging.queue.contents()).length > 0) await wait(10); // acks change nothing that can be watched
    },
    async close() {
      for (const { worker } of workers) worker.drain();
      for (const { worker } of workers) for (const pid of worker.trainerPids()) process.kill(pid, 'SIGKILL');
      await Promise.all(workers.map(({ ended }) => ended));
      stopped.abort();
      await messaging.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return bench;
}

/** A failure class and code, for short expectations. */
export function kindOf({ class: failureClass, failure }: AttemptRecord): [FailureClass, string] {
  return [failureClass, failure.code];
}

function toySpec(trial: TrialId, index: number, changes: Partial<TrialSpec>): TrialSpec {
  return TrialSpec.parse({
    version: 1,
    sweep: SWEEP,
    trial,
    index,
    phase: 'search',
    method: 'noop',
    hyperparameters: {},
    configuration: 'c-000000000000',
    dataset: {
      name: 'none',
      protocol: 'one-class',
      normal: '0',
      splitSeed: 0,
      selectionFraction: 0.1,
      calibrationFraction: 0.1,
      digest: sha256('data'),
      input: { height: 1, width: 1, channels: 1 },
    },
    seed: 0,
    checkpointRule: { rule: 'last' },
    timeoutMs: 60_000,
    codeVersion: CODE,
    identity: sha256(trial),
    ...changes,
  });
}

function toyRecord({ sweep, trial, index, phase }: TrialSpec, changes: Partial<TrialRecord> = {}): TrialRecord {
  return {
    version: 1,
    sweep,
    trial,
    index,
    phase,
    state: 'dispatched',
    attempt: 0,
    generation: 0,
    failures: [],
    queuedAt: new Date(0).toISOString(),
    ...changes,
  };
}
