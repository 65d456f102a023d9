import { type Clock, systemClock } from '@adctl/messaging';
import { orderTopic, WorkerId, type WorkerOrder } from '@adctl/protocol';
import type { KubeConfig, V1OwnerReference } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { Controller } from '../controller.js';
import { createClient, jobsPath, podsPath } from './client.js';
import { Follower, type FollowTimes } from './follow.js';
import { workerSelector } from './names.js';
import { ObservedJob, ObservedPod } from './observed.js';
import type { PoolsFile } from './pool.js';
import type { PoolBoard } from './pool-board.js';
import { Pools, type PoolsController, type PoolsOptions } from './pools.js';
import { Recorder } from './recorder.js';
import { Transport, type TransportOptions } from './transport.js';

export interface StartPoolsOptions {
  readonly file: PoolsFile;
  readonly config: KubeConfig;
  readonly namespace: string;
  /** Name of the installation; its workers are told apart by it. */
  readonly instance: string;
  /** The controller's own pod; undefined outside a cluster: then nothing owns the Jobs. */
  readonly podName: string | undefined;
  /** Of the leadership. */
  readonly term: number;
  readonly mayWrite: () => boolean;
  readonly controller: PoolsController;
  /** All times of the pools hang on it. */
  readonly ackWaitMs: number;
  readonly board: PoolBoard;
  /** Version of adctl. */
  readonly version: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Hears of every answer of the API server, for metrics. */
  readonly onAnswer?: TransportOptions['onAnswer'];
  readonly onStart?: PoolsOptions['onStart'];
  readonly retry?: TransportOptions['retry'];
  readonly followTimes?: Partial<FollowTimes>;
}

/** Pools at work. */
export interface RunningPools {
  /** How long the API server has sent nothing about Jobs or pods, the longer of the two, in ms; for readiness. */
  silentMs(): number;
  /** How long following Jobs or pods has neither succeeded nor failed, the longer of the two, in ms; for liveness. */
  stuckMs(): number;
  /** Stops looking. Workers go on: the next leader finds them. */
  close(): Promise<void>;
}

/** The longest time between two looks, and the shortest, in ack waits. */
const TICK_ACK_WAITS = 1 / 30;
const SHORTEST_PAUSE_ACK_WAITS = 1 / 600;
/** Pause before a beginning that failed is tried again. */
const RETRY_MS = 5_000;

/** Starts the pools of a leading controller. Returns at once; an API server that is away is tried until it is there. */
export function startPools(options: StartPoolsOptions): RunningPools {
  const { controller, namespace, instance, logger, ackWaitMs, clock = systemClock } = options;
  const stop = new AbortController();
  const random = Math.random;
  const { config, version, onAnswer, retry } = options;
  const userAgent = `adctl-controller/${version}`;
  const transport = new Transport({ config, userAgent, clock, random, onAnswer, retry, life: stop.signal });
  const client = createClient(transport, namespace);
  const following = {
    ...{ transport, labelSelector: workerSelector(instance), clock, random, logger },
    onChange: () => lookSoon(),
    times: options.followTimes,
  };
  const jobs = new Follower({ ...following, path: jobsPath(namespace), schema: ObservedJob });
  const pods = new Follower({ ...following, path: podsPath(namespace), schema: ObservedPod });
  let pools: Pools | undefined;
  let cancelTimer: () => void = () => undefined;
  let looking: Promise<void> | undefined;
  let again = false;

  function lookSoon(): void {
    if (pools === undefined || stop.signal.aborted) return;
    if (looking !== undefined) again = true;
    else lookIn(SHORTEST_PAUSE_ACK_WAITS * ackWaitMs);
  }

  function lookIn(ms: number): void {
    cancelTimer();
    cancelTimer = clock.after(ms, () => {
      looking = look().finally(() => {
        looking = undefined;
        if (stop.signal.aborted) return;
        lookIn((again ? SHORTEST_PAUSE_ACK_WAITS : TICK_ACK_WAITS) * ackWaitMs);
        again = false;
      });
    });
  }

  async function look(): Promise<void> {
    try {
      await pools?.reconcile();
    } catch (error) {
      if (!stop.signal.aborted) logger.warn({ err: error }, 'a look at the pools failed; the next one tries again');
    }
  }

  async function begin(): Promise<void> {
    const { podName, file, term, board, mayWrite } = options;
    const owner: V1OwnerReference | undefined = podName === undefined ? undefined : await client.findOwner(podName);
    if (owner === undefined) logger.warn('nothing owns the workers: they stay when the controller is uninstalled');
    const recorder = new Recorder({ client, namespace, instance: podName ?? instance, clock, logger });
    const made = new Pools({
      ...{
        file,
        namespace,
        instance,
        owner,
        term,
        controller,
        client,
        jobs,
        pods,
        recorder,
        board,
        clock,
        logger,
        mayWrite,
        onStart: options.onStart,
      },
      silenceMs: 2 * ackWaitMs,
    });
    await made.tryAll();
    await Promise.all([jobs.synced, pods.synced]);
    if (stop.signal.aborted) return;
    pools = made;
    lookIn(0);
  }

  function beginOrRetry(): void {
    begin().catch((error: unknown) => {
      if (stop.signal.aborted) return;
      logger.warn({ err: error }, 'pools not started yet; tried again');
      cancelTimer = clock.after(RETRY_MS, beginOrRetry);
    });
  }

  const followers = [jobs.run(stop.signal), pods.run(stop.signal)];
  beginOrRetry();
  return {
    silentMs: () => Math.max(jobs.silentMs(), pods.silentMs()),
    stuckMs: () => Math.max(jobs.stuckMs(), pods.stuckMs()),
    async close() {
      stop.abort(new Error('the pools were closed'));
      cancelTimer();
      await Promise.all([...followers, looking]);
    },
  };
}

/** What the pools see of a controller. @param slotsOf most trials of an owner in flight */
export function seenByPools({ context, workerGone }: Controller, slotsOf: (owner: string) => number): PoolsController {
  return {
    sweeps: () =>
      [...context.books.values()].map(({ record, frozen, inFlight, available }) => ({
        ...{ owner: record.owner, class: frozen.class, parallel: record.parallel },
        ...{ inFlight, available },
      })),
    slotsOf,
    workers: () => context.fleet.list(context.clock.now()),
    workerGone: (worker, how) => workerGone(WorkerId.parse(worker), how),
    async drain(worker) {
      const order: WorkerOrder = { version: 1, order: 'drain' };
      await context.messaging.control.publish(orderTopic(worker), order);
    },
  };
}
