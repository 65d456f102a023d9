import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findControllerEntry, findWorkerEntry, type Supervisor, superviseWorkers } from '@adctl/controller/embedded';
import { systemClock } from '@adctl/messaging';
import { acquireDirectoryLock } from '@adctl/messaging/embedded';
import { AdctlError } from '@adctl/protocol';
import type { Logger } from 'pino';
import { cacheDir, contextFilePath } from '../../environment.js';
import type { LogLevel } from '../../flags.js';
import type { WorkingConnection } from '../connect.js';
import { type ClusterConnection, connectToCluster } from '../connect-cluster.js';
import { findContext } from '../contexts/manage-contexts.js';
import { createControllerLog } from '../controller-log.js';
import { REAL_PACE } from '../pace.js';
import type { OwnWorkerChoice } from '../worker-choice.js';
import { DEV_CONTEXT, writeDevContext } from './dev-context.js';
import { createDevKeys, POOL_USER } from './dev-keys.js';
import { findNatsServer } from './find-nats-server.js';
import { startNatsProcess } from './nats-process.js';

export interface LocalClusterOptions extends OwnWorkerChoice {
  /** The `.adctl` folder, absolute; the cluster lives in `cluster` below it. */
  readonly directory: string;
  readonly logLevel: LogLevel;
  readonly say: (line: string) => void;
  /** The nats-server program; undefined: the one on the PATH. */
  readonly server: string | undefined;
  /** Worker processes. */
  readonly processes: number;
  /** An S3 bucket for the objects, and its endpoint; undefined: a folder. */
  readonly bucket: string | undefined;
  readonly endpoint: string | undefined;
}

const START_SECONDS = 60;
const POLL_MS = 200;

/**
 * A whole cluster on this machine: a nats-server with a key and the least permissions for each role, a controller process,
 * worker processes, and a context for other commands. Records and objects stay in the folder, so that the next start
 * continues; keys, context and processes go when it stops.
 *
 * @throws AdctlError user `nats_server_missing`, `directory_in_use`, `context_exists`, `not_built`; permanent
 *   `nats_server_failed`; what a controller that cannot start says
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<WorkingConnection> {
  const { say } = options;
  const program = findNatsServer(options.server, process.env.PATH);
  const directory = join(options.directory, 'cluster');
  mkdirSync(directory, { recursive: true });
  const undo: (() => unknown)[] = [];
  const undoAll = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const lock = acquireDirectoryLock(directory);
    undo.push(() => lock.release());
    const { renderAuthorization } = await import('@adctl/messaging/nats');
    const keys = await createDevKeys(join(directory, 'keys'), options.flavour);
    undo.push(() => keys.remove());
    const authorization = renderAuthorization(keys.users);
    const nats = await startNatsProcess(program, { directory: join(directory, 'nats'), authorization });
    undo.push(() => nats.stop());

    const broken = new AbortController();
    const breakWith = (error: unknown) => broken.abort(error);
    nats.broken.addEventListener('abort', () => breakWith(nats.broken.reason), { once: true });
    const logger = createControllerLog(directory, options.logLevel, say);
    const common = { ...sharedSettings(options, directory), ADCTL_NATS_URL: nats.url };
    const supervise = (settings: Readonly<Record<string, string>>, own: SupervisedProgram) =>
      superviseProgram({ directory, settings: { ...common, ...settings }, logger, onBroken: breakWith, ...own });
    const controller = supervise(
      {
        ADCTL_NATS_NKEY_SEED_FILE: keys.seedFile('controller'),
        ADCTL_POOL_CLASSES: `default=${options.flavour}`,
        ADCTL_METRICS_PORT: '0', // any: clusters of other folders may run beside this one
      },
      { program: 'controller', processes: 1, entry: findControllerEntry() },
    );
    undo.push(() => controller.stop('drain'));
    const workers = supervise(workerSettings(options, keys.seedFile(POOL_USER)), {
      program: 'worker',
      processes: options.processes,
      entry: findWorkerEntry(),
    });
    undo.push(() => workers.stop('drain'));

    const identity = keys.person;
    const removeContext = await writeDevContext(contextFilePath(), {
      servers: [nats.url],
      identity,
      nkeySeedFile: keys.seedFile(identity),
    });
    undo.push(removeContext);
    const connection = await untilAnswered(broken.signal);
    undo.push(() => connection.close());
    say(
      `A cluster at ${nats.url}, in ${directory}. Other commands reach it by the context "${DEV_CONTEXT}"; Ctrl-C stops it.`,
    );
    let stopping: Promise<void> | undefined;
    return {
      client: connection.client,
      place: connection.place,
      isOurs: true,
      flavour: options.flavour,
      broken: broken.signal,
      async stop(how) {
        if (how === 'now') await workers.stop('now');
        stopping ??= undoAll();
        await stopping;
      },
    };
  } catch (error) {
    await undoAll();
    throw error;
  }
}

interface SupervisedProgram {
  readonly program: 'worker' | 'controller';
  readonly processes: number;
  readonly entry: string;
}

function superviseProgram(
  options: SupervisedProgram & {
    readonly directory: string;
    readonly settings: Readonly<Record<string, string>>;
    readonly logger: Logger;
    readonly onBroken: (error: AdctlError) => void;
  },
): Supervisor {
  const { processes, ...rest } = options;
  return superviseWorkers({
    ...rest,
    workers: processes,
    environment: process.env,
    clock: systemClock,
    onGone: () => undefined, // the cluster's own controller finds out by the lease
  });
}

/** What controller and workers have in common. */
function sharedSettings({ bucket, endpoint }: LocalClusterOptions, directory: string): Record<string, string> {
  const objects: Record<string, string> =
    bucket === undefined
      ? { ADCTL_OBJECTS: 'filesystem', ADCTL_OBJECTS_DIR: join(directory, 'objects') }
      : {
          ADCTL_OBJECTS: 's3',
          ADCTL_S3_BUCKET: bucket,
          ...(endpoint === undefined ? {} : { ADCTL_S3_ENDPOINT: endpoint }),
        };
  // It runs as its user, so it may read what its user may.
  return { ...objects, ADCTL_CACHE_DIR: cacheDir(), ADCTL_DATA_ROOTS: '/' };
}

function workerSettings(
  { directory, flavour, slots, threads }: LocalClusterOptions,
  seedFile: string,
): Record<string, string> {
  return {
    ADCTL_NATS_NKEY_SEED_FILE: seedFile,
    ADCTL_NATS_IDENTITY: POOL_USER,
    ADCTL_CLASS: flavour,
    ADCTL_ENGINE_FLAVOUR: flavour,
    ADCTL_SCRATCH_DIR: join(directory, 'cluster', 'scratch'),
    ...(slots === undefined ? {} : { ADCTL_SLOTS: String(slots) }),
    ...(threads === undefined ? {} : { ADCTL_THREADS: String(threads) }),
  };
}

/** The way to the controller, once it answers. */
async function untilAnswered(broken: AbortSignal): Promise<ClusterConnection> {
  const context = await findContext(contextFilePath(), DEV_CONTEXT);
  const deadline = REAL_PACE.now() + START_SECONDS;
  for (;;) {
    try {
      return await connectToCluster(context);
    } catch (error) {
      if (broken.aborted) throw broken.reason;
      const isEarly = error instanceof AdctlError && error.code === 'controller_unreachable';
      if (!isEarly || REAL_PACE.now() > deadline) throw error;
    }
    await REAL_PACE.wait(POLL_MS, broken);
  }
}
