import { type Clock, systemClock } from '@adctl/messaging';
import type { WorkerSummary } from '@adctl/protocol';
import {
  asJob,
  type ClusterOptions,
  type Job,
  type KubeObject,
  type Pod,
  type ProcessCluster,
} from '@adctl/testkit/kubernetes';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { LossClass } from '../../plan/loss.js';
import type { DemandingSweep } from '../demand.js';
import { FIELD_MANAGER } from '../names.js';
import { type PoolInput, PoolsFile } from '../pool.js';
import { PoolBoard } from '../pool-board.js';
import type { PoolsController } from '../pools.js';
import { type RunningPools, startPools } from '../start-pools.js';
import type { StartStages } from '../start-stages.js';
import { CONTROLLER_TOKENS, configFor } from './fake-api.fixtures.js';

/** Pools over a cluster whose pods are processes here, with a scripted controller. */
export interface PoolsHarness<C extends ProcessCluster = ProcessCluster> {
  readonly cluster: C;
  readonly board: PoolBoard;
  /** Trials that wait or run, of one sweep for the pool's class. */
  demand: number;
  /** Workers that are asked to drain; their heartbeats say so from then on. */
  readonly drained: Set<string>;
  /** Workers that have been given up. */
  readonly gone: string[];
  /** How they went. */
  readonly ends: LossClass[];
  /** Workers that send no more signs of life, although they run. */
  readonly silent: Set<string>;
  /** Stages of workers' starts that were measured. */
  readonly starts: StartStages[];
  /** What workers say of themselves. */
  state: 'starting' | 'ready';
  /** Moves the controller's clock on. */
  skip(ms: number): void;
  jobs(): Job[];
  pods(phase?: string): Pod[];
  /** Reasons of the Events that the controller has written so far. */
  events(): string[];
  /** Resolves once the condition holds; looked at whenever anything changes, and by the clock. */
  until(condition: () => boolean): Promise<void>;
  /** Ends the pools and starts others, as a new leader would. */
  restart(options?: { readonly podName?: string }): Promise<void>;
  readonly pools: () => RunningPools;
}

/** A process that lives until it is told to go; 20 ms stand for a second of a make-believe Kubernetes. */
const LIVES = ['sleep', '600'];
const SECOND_MS = 20;
const LONGEST_WAIT_MS = 60_000;

export async function startHarness<C extends ProcessCluster>(
  startCluster: (options: ClusterOptions) => Promise<C>,
  pool: Partial<PoolInput> = {},
  options: {
    /** Prepares the cluster. @returns the name of the controller's pod, if it has one. */
    readonly prepare?: (cluster: C) => Promise<string | undefined>;
  } = {},
): Promise<PoolsHarness<C>> {
  const cluster = await startCluster({
    nodes: { 'gpu-1': NODE, 'gpu-2': NODE },
    secondMs: SECOND_MS,
    tokens: CONTROLLER_TOKENS,
  });
  onTestFinished(() => cluster.stop());
  const firstPod = await options.prepare?.(cluster);
  const board = new PoolBoard();
  let skippedMs = 0;
  const clock: Clock = { now: () => Date.now() + skippedMs, after: systemClock.after };
  let term = 0;
  let pools: RunningPools | undefined;
  const harness: PoolsHarness<C> = {
    cluster,
    board,
    demand: 0,
    drained: new Set(),
    gone: [],
    ends: [],
    silent: new Set(),
    starts: [],
    state: 'ready',
    skip(ms) {
      skippedMs += ms;
    },
    jobs: () => cluster.list('jobs').map(asJob),
    pods: (phase) => cluster.pods().filter(({ status }) => phase === undefined || status.phase === phase),
    events: () =>
      cluster
        .list('events')
        .filter(isOurs)
        .map(({ reason }) => String(reason)),
    until: (condition) => until(cluster, condition),
    async restart({ podName = firstPod } = {}) {
      await pools?.close();
      term += 1;
      pools = startPools({
        file: PoolsFile.parse({ pools: [poolInput(pool)] }),
        config: configFor(cluster.url),
        namespace: 'default',
        instance: 'adctl',
        podName,
        term,
        mayWrite: () => true,
        controller: scripted(harness, clock),
        ackWaitMs: 300,
        board,
        version: 'test',
        logger: pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' }),
        clock,
        onStart: (_pool, stages) => harness.starts.push(stages),
        retry: { firstPauseMs: 2, longestPauseMs: 10, timeoutMs: 2_000 },
        followTimes: { firstPauseMs: 2, longestPauseMs: 20, silenceMs: 500 },
      });
    },
    pools() {
      if (pools === undefined) throw new Error('not started');
      return pools;
    },
  };
  onTestFinished(() => pools?.close()); // before the cluster stops
  await harness.restart();
  return harness;
}

const NODE = { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': '2' };

function poolInput(keys: Partial<PoolInput>): PoolInput {
  return {
    name: 'gpu24',
    image: 'registry.example/adctl-worker:0.1.0',
    command: LIVES,
    max: 3,
    idleSeconds: 3_600,
    resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { 'nvidia.com/gpu': '1' } },
    ...keys,
  };
}

/** Kubernetes writes Events too. */
const isOurs = ({ reportingController }: KubeObject) => reportingController === `adctl.dev/${FIELD_MANAGER}`;

/** Every running pod sends signs of life, unless it was silenced. */
function scripted(harness: PoolsHarness, clock: Clock): PoolsController {
  const seen = new Map<string, number>();
  return {
    sweeps: (): DemandingSweep[] => [
      { owner: 'ann', class: 'gpu24', parallel: 1_000, inFlight: 0, available: harness.demand },
    ],
    slotsOf: () => Number.POSITIVE_INFINITY,
    workers() {
      const speaking = harness.pods('Running').filter(({ metadata }) => !harness.silent.has(metadata.name));
      for (const { metadata } of speaking) seen.set(metadata.name, clock.now());
      for (const worker of harness.gone) seen.delete(worker);
      return [...seen].map(([worker, atMs]) =>
        summary(worker, harness.drained.has(worker) ? 'draining' : harness.state, (clock.now() - atMs) / 1000),
      );
    },
    async workerGone(worker, how) {
      harness.gone.push(worker);
      harness.ends.push(how);
    },
    async drain(worker) {
      harness.drained.add(worker);
    },
  };
}

function summary(worker: string, state: WorkerSummary['state'], secondsSinceHeartbeat: number): WorkerSummary {
  return {
    version: 1,
    worker: worker as WorkerSummary['worker'],
    at: '2026-01-01T00:00:00Z',
    class: 'gpu24',
    slots: 1,
    busy: [],
    state,
    codeVersion: 'test',
    secondsSinceHeartbeat,
  };
}

/** @throws Error with what there is when the condition does not come to hold. */
function until(cluster: ProcessCluster, condition: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      unlisten();
      clearInterval(beat);
      clearTimeout(limit);
      settle();
    };
    const look = () => {
      if (condition()) end(resolve);
    };
    const unlisten = cluster.listen(look);
    const beat = setInterval(look, 10);
    const limit = setTimeout(() => {
      const there = ['jobs', 'pods'].flatMap((plural) =>
        cluster.list(plural).map(({ metadata, status }) => `${metadata.name} ${JSON.stringify(status)}`),
      );
      end(() => reject(new Error(`${condition} does not hold:\n${there.join('\n')}`)));
    }, LONGEST_WAIT_MS);
    look();
  });
}
