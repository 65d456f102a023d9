import { codeVersion } from '@adctl/engine/code-version';
import { type Messaging, systemClock } from '@adctl/messaging';
import { findMethod, METHODS } from '@adctl/methods';
import type { OpenedObjects } from '@adctl/storage';
import type { Logger } from 'pino';
import { serveApi } from '../api/serve.js';
import type { ControllerConfig } from '../config.js';
import { type Controller, startController } from '../controller.js';
import { createDatasetCatalog } from '../datasets.js';
import { GarbageCollection } from '../gc/collect-garbage.js';
import { PoolBoard } from '../kubernetes/pool-board.js';
import type { PoolMetrics } from '../kubernetes/pool-metrics.js';
import type { Leadership } from '../leader/leadership.js';
import type { Health } from '../metrics/health.js';
import type { ControllerMetrics } from '../metrics/metrics.js';
import { preparePools, type StartPools } from './lead-pools.js';

/** What the controller process holds for as long as it lives, leading or not. */
export interface ClusterParts {
  readonly config: ControllerConfig;
  readonly messaging: Messaging;
  readonly objects: OpenedObjects;
  readonly logger: Logger;
  /** Version of adctl, for people. */
  readonly version: string;
  /** Of the server, as `prepareNats` found it. */
  readonly natsVersion: string;
  readonly metrics: ControllerMetrics;
  readonly poolMetrics: PoolMetrics;
  readonly health: Health;
}

/** A controller that leads: it alone writes records, fills the queue and answers requests. */
export interface Leading {
  readonly controller: Controller;
  /** Aborted when it cannot go on, with the error as reason, or when it was closed. */
  readonly stopped: AbortSignal;
  /** Stops answering, then stops at the next settled state. */
  close(): Promise<void>;
}

/**
 * Begins to lead: reads and mends everything, then answers requests. Parts that only a leader runs (pools, garbage
 * collection, compaction) start on its `controller` and end before its `close`.
 *
 * @param signal ends the start.
 * @throws as `startController`; AdctlError of what else is started. Nothing of it is left then.
 */
export async function startLeading(parts: ClusterParts, leadership: Leadership, signal: AbortSignal): Promise<Leading> {
  const { config, messaging, objects, logger, metrics, health } = parts;
  const board = new PoolBoard();
  const startPools = await preparePools(parts, board);
  const controller = await startController({
    messaging,
    objects: objects.store,
    findCard: findMethod,
    codeVersionOf: codeVersion,
    logger,
    ackWaitMs: config.ackWaitMs,
    windowPerSlot: config.windowPerSlot,
    owners: config.owners,
    sharedControl: config.sharedControl,
    explainClass: (name) => board.explain(name),
    measures: metrics,
    onPulse: () => health.pulse(),
    leadership,
    signal,
  });
  try {
    return await serve(parts, { controller, leadership, board, startPools });
  } catch (error) {
    await controller.close();
    throw error;
  }
}

/** Lets a controller that has read everything do its work. */
async function serve(
  { config, objects, version, metrics, health, logger, natsVersion }: ClusterParts,
  started: {
    readonly controller: Controller;
    readonly leadership: Leadership;
    readonly board: PoolBoard;
    readonly startPools: StartPools | null;
  },
): Promise<Leading> {
  const { controller, leadership, board, startPools } = started;
  const gc = new GarbageCollection(controller.context);
  const stopGc = everyHours(config.gcHours, () => gc.start(false));
  const unserve = await serveApi(controller, {
    gc,
    cards: METHODS,
    datasets: createDatasetCatalog({ cacheDir: config.cacheDir, objects: objects.store, dataRoots: config.dataRoots }),
    codeVersionOf: codeVersion,
    classOf: config.classOf,
    version,
    deployment: 'cluster',
    facts: {
      controller: config.controllerId,
      objects: objects.facts,
      nats: { serverVersion: natsVersion, replicas: config.streams.replicas ?? 1 },
    },
    pools: startPools === null ? undefined : board,
    locate: objects.locate,
  });
  const pools = startPools?.(controller, leadership);
  health.watches(pools);
  logger.info('leads');
  const unfollow = metrics.follow(controller.context);
  health.serves();
  return {
    controller,
    stopped: controller.stopped,
    async close() {
      health.watches(undefined);
      await pools?.close();
      unfollow();
      stopGc();
      await unserve();
      await controller.close();
    },
  };
}

/** Repeats something, first after one period. @returns the function that stops it. */
function everyHours(hours: number, run: () => void): () => void {
  if (hours === 0) return () => undefined;
  let cancel: () => void = () => undefined;
  const wait = () => {
    cancel = systemClock.after(hours * 3_600_000, () => {
      run();
      wait();
    });
  };
  wait();
  return () => cancel();
}
