import { findController, startEmbedded } from '@adctl/controller/embedded';
import { AdctlError, type ControllerStatus, userError } from '@adctl/protocol';
import { adctlVersion, cacheDir } from '../environment.js';
import type { LogLevel } from '../flags.js';
import type { NamedContext } from './contexts/manage-contexts.js';
import { type ControllerClient, createControllerClient } from './controller-client.js';
import { createControllerLog } from './controller-log.js';
import { folderExists } from './files.js';
import { refuseInterrupted, unlessInterrupted } from './interrupts.js';
import { REAL_PACE } from './pace.js';
import { startDetached } from './start-detached.js';
import type { Target } from './target.js';
import { checkChoice, type Flavour, type OwnWorkerChoice, type WorkerChoice } from './worker-choice.js';

/** A way to a controller. */
export interface Connection {
  readonly client: ControllerClient;
  /** Where its results and artifacts lie, for people. */
  readonly place: string;
  close(): Promise<void>;
}

/** A controller that a command may submit to and leave. */
export interface WorkingConnection {
  readonly client: ControllerClient;
  /** As `Connection.place`. */
  readonly place: string;
  /** Whether the controller and its workers live in this process. */
  readonly isOurs: boolean;
  /** The class of its workers on this machine; undefined in a cluster, which has many. */
  readonly flavour: Flavour | undefined;
  /** Aborted, with the error as reason, when the controller cannot go on. */
  readonly broken: AbortSignal;
  /** Leaves another process's controller alone; ends an own one, gently (running trials save a checkpoint) or at once. */
  stop(how: 'drain' | 'now'): Promise<void>;
}

interface FolderOptions {
  /** The `.adctl` folder, absolute. */
  readonly directory: string;
  readonly logLevel: LogLevel;
  /** Takes lines of the story. */
  readonly say: (line: string) => void;
}

interface SweepConnectOptions {
  /** Leave the controller behind. */
  readonly detach: boolean;
  /** Aborted by Ctrl-C, for as long as nothing is submitted. */
  readonly signal: AbortSignal;
}

export type ConnectOptions = Omit<FolderOptions, 'directory'> & { readonly target: Target };

/** Somebody else's short visit (a command that reads) is waited for this long. */
const LONGEST_VISIT_SECONDS = 20;
const POLL_MS = 100;
const NEVER = new AbortController().signal;

/** The controller that runs in the folder, if one does. @throws AdctlError as `findController` */
export async function connectToRunning(directory: string): Promise<Connection | undefined> {
  const messaging = await findController(directory);
  if (messaging === null) return undefined;
  return {
    client: createControllerClient(messaging.control),
    place: directory,
    close: () => messaging.close(),
  };
}

/** What the controller that runs in the folder says of itself; undefined when none runs. */
export async function runningController(directory: string): Promise<ControllerStatus | undefined> {
  const connection = await connectToRunning(directory);
  if (connection === undefined) return undefined;
  try {
    return await connection.client.request('status', {});
  } finally {
    await connection.close();
  }
}

/**
 * For commands that read or give orders: the cluster's controller, the one that runs in the folder, or an own one without
 * workers.
 *
 * @throws AdctlError user `nothing_here` when the folder does not exist, `directory_in_use`; as `connectToCluster`
 */
export async function connect({ target, ...rest }: ConnectOptions): Promise<Connection> {
  if (target.kind === 'cluster') return toCluster(target.context);
  const { directory } = target;
  const options = { ...rest, directory };
  if (!(await folderExists(directory))) {
    throw userError('nothing_here', `Nothing has been run here: there is no folder ${directory}.`, {
      hint: 'Start a sweep with adctl sweep FILE, or name another folder with --directory.',
    });
  }
  return orWait(async () => (await connectToRunning(directory)) ?? (await startReader(options)));
}

/**
 * For `adctl sweep`: the cluster's controller, the one running in the folder when it has workers, or an own one with
 * workers; with `detach` one that is left behind.
 *
 * @throws AdctlError as `checkChoice` where the workers are there already; transient `interrupted` once the signal is aborted
 */
export async function connectWithWorkers({
  target,
  ...rest
}: ConnectOptions & WorkerChoice & SweepConnectOptions): Promise<WorkingConnection> {
  const { signal } = rest;
  if (target.kind === 'cluster') {
    const { client, place, closed, status, close } = await unlessInterrupted(signal, toCluster(target.context));
    await tellChoice(rest, status, close);
    return { client, place, isOurs: false, flavour: undefined, broken: closed, stop: close };
  }
  const { directory } = target;
  const options = { ...rest, directory };
  const { detach } = options;
  return orWait(async () => {
    const running = await connectToWorking(options);
    if (running !== undefined) return running;
    if (!detach) return start({ ...options, flavour: options.flavour ?? 'cpu' });
    await startDetached(directory, options, async () => ((await runningController(directory))?.slots ?? 0) > 0);
    return connectToWorking(options);
  }, signal);
}

/** For `adctl dev`: an own controller with workers. @throws AdctlError user `controller_running` when one with workers runs */
export async function startOwn(options: FolderOptions & OwnWorkerChoice): Promise<WorkingConnection> {
  return orWait(async () => {
    const running = await runningController(options.directory);
    if (running === undefined) return start(options);
    if (running.slots === 0) return undefined;
    throw userError(
      'controller_running',
      `A controller already runs in ${options.directory}, as process ${running.pid}.`,
      {
        hint: 'Use it: other commands in this folder find it. Or stop it first, or name another --directory.',
      },
    );
  });
}

/** A running controller that has workers; a passing reader has none. @throws AdctlError as `checkChoice` */
async function connectToWorking(options: FolderOptions & WorkerChoice): Promise<WorkingConnection | undefined> {
  const { directory } = options;
  const connection = await connectToRunning(directory);
  if (connection === undefined) return undefined;
  const { client, close } = connection;
  const status = await client.request('status', {});
  if (status.slots === 0) {
    await close();
    return undefined;
  }
  await tellChoice(options, status, close);
  const flavour = status.workers[0]?.class === 'gpu' ? 'gpu' : 'cpu';
  return { client, place: directory, isOurs: false, flavour, broken: NEVER, stop: close };
}

/** Says what of a choice has no effect with the workers that there are. @throws AdctlError as `checkChoice`, having closed the way there */
async function tellChoice(
  { say, ...choice }: WorkerChoice & Pick<FolderOptions, 'say'>,
  status: ControllerStatus,
  close: () => Promise<void>,
): Promise<void> {
  try {
    for (const warning of checkChoice(choice, status)) say(warning);
  } catch (error) {
    await close();
    throw error;
  }
}

async function toCluster(context: NamedContext) {
  const { connectToCluster } = await import('./connect-cluster.js');
  return connectToCluster(context);
}

async function startReader(options: FolderOptions): Promise<Connection> {
  const reader = await startEmbedded({ ...embeddedOptions(options), workers: 0 });
  return {
    client: createControllerClient(reader.messaging.control),
    place: options.directory,
    close: () => reader.stop('drain'),
  };
}

async function start(options: FolderOptions & OwnWorkerChoice): Promise<WorkingConnection> {
  const { slots, threads, flavour } = options;
  const own = await startEmbedded({
    ...embeddedOptions(options),
    class: flavour,
    ...(slots === undefined ? {} : { slots }),
    ...(threads === undefined ? {} : { threads }),
  });
  return {
    client: createControllerClient(own.messaging.control),
    place: options.directory,
    isOurs: true,
    flavour,
    broken: own.stopped,
    stop: (how) => own.stop(how),
  };
}

function embeddedOptions({ directory, logLevel, say }: FolderOptions) {
  const logger = createControllerLog(directory, logLevel, say);
  return { directory, cacheDir: cacheDir(), version: adctlVersion(), logger, environment: process.env };
}

/**
 * Tries again while another command holds the folder for a moment, or a controller's first worker is still starting.
 *
 * @throws AdctlError transient `interrupted` when the signal is aborted meanwhile
 */
async function orWait<T>(attempt: () => Promise<T | undefined>, signal: AbortSignal = NEVER): Promise<T> {
  const deadline = REAL_PACE.now() + LONGEST_VISIT_SECONDS;
  let reason: unknown = noWorkers();
  for (;;) {
    try {
      const result = await attempt();
      if (result !== undefined) return result;
    } catch (error) {
      if (!isHeld(error)) throw error;
      reason = error;
    }
    if (REAL_PACE.now() > deadline) throw reason;
    await REAL_PACE.wait(POLL_MS, signal);
    refuseInterrupted(signal);
  }
}

/** Thrown when the controller that runs in the folder got no worker in time. */
function noWorkers(): AdctlError {
  return new AdctlError('The controller that runs in this folder has no workers.', {
    code: 'no_workers',
    kind: 'transient',
    hint: 'See adctl workers and the logs folder; adctl doctor checks the engine.',
  });
}

/** The lock is taken, or its holder left between our finding it and asking it. */
function isHeld(error: unknown): boolean {
  return error instanceof AdctlError && (error.code === 'directory_in_use' || error.code === 'controller_unreachable');
}
