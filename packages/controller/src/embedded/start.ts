import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { codeVersion } from '@adctl/engine/code-version';
import { type Clock, type Messaging, systemClock } from '@adctl/messaging';
import { type EmbeddedMessaging, openEmbedded } from '@adctl/messaging/embedded';
import { findMethod, METHODS } from '@adctl/methods';
import type { AdctlError, Sha256 } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import type { Logger } from 'pino';
import { serveApi } from '../api/serve.js';
import { type Controller, startController } from '../controller.js';
import { createDatasetCatalog, type DatasetCatalog } from '../datasets.js';
import { findWorkerEntry, type Supervisor, superviseWorkers } from './supervise-workers.js';

/** The class of every embedded worker and sweep: one machine has one pool, whatever a file says. */
export type EmbeddedClass = 'cpu' | 'gpu';

export interface EmbeddedDeploymentOptions {
  /** The `.adctl` folder; made when it is missing. */
  readonly directory: string;
  /** From `resolveCacheDir`: data sets and engine. */
  readonly cacheDir: string;
  /** Version of adctl, for people. */
  readonly version: string;
  readonly logger: Logger;
  /** Environment of worker processes, usually `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Worker processes; 0: a controller that answers and trains nothing. Default 1. */
  readonly workers?: number;
  /** Trials at a time in each worker. Default: the machine's cores. */
  readonly slots?: number;
  /** TensorFlow threads of each trial. Default 1. */
  readonly threads?: number;
  /** Default cpu. */
  readonly class?: EmbeddedClass;
  /** All lease times hang on it. Default 60 s. */
  readonly ackWaitMs?: number;
  readonly clock?: Clock;
  /** Further worker variables, e.g. `ADCTL_TRAINER: noop`. */
  readonly workerSettings?: Readonly<Record<string, string>>;
  /** For tests and benchmarks. */
  readonly datasets?: DatasetCatalog;
  readonly codeVersionOf?: (method: string) => Sha256;
  readonly workerEntry?: string;
}

/** A controller with its workers on this machine. */
export interface EmbeddedDeployment {
  readonly directory: string;
  /** For requests in this process; others connect with `findController`. */
  readonly messaging: Messaging;
  readonly controller: Controller;
  /** Aborted when it cannot go on (reason: the error) or was stopped. */
  readonly stopped: AbortSignal;
  /** Process ids of the workers. */
  workerPids(): number[];
  /**
   * Ends everything. `drain`: running trials save a checkpoint first. `now`: workers are killed; what they had saved is
   * kept, and the next start continues from there.
   */
  stop(how: 'drain' | 'now'): Promise<void>;
}

/**
 * Starts the embedded deployment: takes the folder's lock, opens messaging and object store there, starts the controller,
 * listens for other commands, and starts the workers. Claims of an earlier start are taken back at once: the lock proves
 * that no worker of it is connected, and the attempt number fences one that still dies.
 *
 * @throws AdctlError user `directory_in_use`, `not_built`; what messaging and storage throw.
 */
export async function startEmbedded(options: EmbeddedDeploymentOptions): Promise<EmbeddedDeployment> {
  const { logger, clock = systemClock, ackWaitMs = 60_000, workers = 1, threads = 1 } = options;
  const slots = options.slots ?? availableParallelism();
  const directory = resolve(options.directory);
  const name = options.class ?? 'cpu';
  const entry = workers === 0 ? '' : (options.workerEntry ?? findWorkerEntry());
  mkdirSync(directory, { recursive: true });
  const messaging = openEmbedded({ directory, clock, ackWaitMs });
  try {
    const controller = await openController({ ...options, directory, clock, ackWaitMs }, messaging, {
      [name]: workers * slots,
    });
    await messaging.listen();
    const broken = new AbortController();
    const supervisor = superviseWorkers({
      directory,
      workers,
      environment: options.environment,
      settings: {
        ADCTL_DIRECTORY: directory,
        ADCTL_OBJECTS_DIR: join(directory, 'objects'),
        ADCTL_CACHE_DIR: resolve(options.cacheDir),
        ADCTL_CLASS: name,
        ADCTL_ENGINE_FLAVOUR: name,
        ADCTL_SLOTS: String(slots),
        ADCTL_THREADS: String(threads),
        ADCTL_ACK_WAIT_MS: String(ackWaitMs),
        ...options.workerSettings,
      },
      entry,
      clock,
      logger,
      onGone: (worker) => {
        controller.workerGone(worker).catch((error: unknown) => logger.error({ err: error, worker }, 'taking back'));
      },
      onBroken: (error: AdctlError) => broken.abort(error),
    });
    return assemble(directory, messaging, controller, supervisor, broken.signal);
  } catch (error) {
    await messaging.close();
    throw error;
  }
}

async function openController(
  options: EmbeddedDeploymentOptions & { readonly clock: Clock; readonly ackWaitMs: number },
  messaging: EmbeddedMessaging,
  expectedSlots: Readonly<Record<string, number>>,
): Promise<Controller> {
  const { directory, logger, clock, ackWaitMs, codeVersionOf = codeVersion } = options;
  const objectsDirectory = join(directory, 'objects');
  await messaging.releaseInFlight();
  const objects = createFilesystemStore(objectsDirectory);
  const controller = await startController({
    messaging,
    objects,
    findCard: findMethod,
    codeVersionOf,
    logger,
    clock,
    ackWaitMs,
    expectedSlots,
    takeOver: true,
    // Who may open the folder's socket is the same user.
    sharedControl: true,
    orderedWrites: true,
  });
  await serveApi(controller, {
    cards: METHODS,
    datasets: options.datasets ?? createDatasetCatalog({ cacheDir: options.cacheDir, objects }),
    codeVersionOf,
    classOf: () => options.class ?? 'cpu',
    version: options.version,
    deployment: 'embedded',
    directory,
    locate: (key) => join(objectsDirectory, ...key.split('/')),
  });
  return controller;
}

function assemble(
  directory: string,
  messaging: EmbeddedMessaging,
  controller: Controller,
  supervisor: Supervisor,
  broken: AbortSignal,
): EmbeddedDeployment {
  const over = new AbortController();
  for (const signal of [broken, controller.stopped]) {
    signal.addEventListener('abort', () => over.abort(signal.reason), { once: true });
  }
  let stopping: Promise<void> | undefined;
  return {
    directory,
    messaging,
    controller,
    stopped: over.signal,
    workerPids: () => supervisor.pids(),
    async stop(how) {
      if (stopping !== undefined && how === 'now') await supervisor.stop('now'); // a gentle stop takes too long
      stopping ??= (async () => {
        await supervisor.stop(how);
        await controller.close();
        await messaging.close();
      })();
      await stopping;
    },
  };
}
