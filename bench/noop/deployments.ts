import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CONTROLLER_FLAGS, startEmbedded } from '@adctl/controller/embedded';
import { resolveCacheDir } from '@adctl/datasets';
import { connectNats } from '@adctl/messaging/nats';
import { AdctlError, ControllerStatus, sha256 } from '@adctl/protocol';
import { type ObjectPlace, type ObjectStore, openObjects } from '@adctl/storage';
import { findNatsBinaries, type NatsServer, startNatsServer } from '@adctl/testkit';
import { pino } from 'pino';
import { NOOP_WORKER, type Request } from './sweep.ts';

/** A deployment under measurement. */
export interface Running {
  readonly request: Request;
  readonly objects: ObjectStore;
  readonly controllerPid: number;
  readonly workerPids: readonly number[];
  stop(): Promise<void>;
}

export interface Size {
  readonly workers: number;
  readonly slots: number;
}

/** How long a request is repeated while no controller answers it. */
const PATIENCE_MS = 30_000;

const cacheDir = resolveCacheDir(process.env, os.homedir());

/** This process is the controller; workers are processes of their own; everything lies below the folder. */
export async function startEmbeddedIn(folder: string, { workers, slots }: Size): Promise<Running> {
  const directory = join(folder, '.adctl');
  const deployment = await startEmbedded({
    directory,
    cacheDir,
    version: 'bench',
    logger: pino({ level: 'silent' }),
    environment: process.env,
    workers,
    slots,
    codeVersionOf: () => sha256('bench'),
    workerSettings: NOOP_WORKER,
  });
  const { store } = await openObjects({ kind: 'filesystem', directory: join(directory, 'objects') });
  return {
    request: (verb, payload) => deployment.messaging.control.request(verb, payload),
    objects: store,
    controllerPid: process.pid,
    workerPids: [],
    stop: () => deployment.stop('now'),
  };
}

/** The newest nats-server there is. @throws Error with the reason when there is none. */
export async function startNewestNats(): Promise<NatsServer & { readonly version: string }> {
  const { newest, old } = await findNatsBinaries();
  const binary = 'missing' in newest ? old : newest;
  if ('missing' in binary) throw new Error(`no nats-server: ${binary.missing}`);
  return Object.assign(await startNatsServer({ path: binary.path }), { version: binary.version });
}

/**
 * Controller and workers are processes of their own, as in a cluster.
 * @param pools variables of a controller that leads pools; by default it leads none.
 */
export async function startOnNats(
  server: Pick<NatsServer, 'url'>,
  place: ObjectPlace,
  { workers, slots }: Size,
  pools: Readonly<Record<string, string>> = { ADCTL_POOL_CLASSES: 'cpu=cpu' },
): Promise<Running> {
  const settings = {
    ...process.env,
    ADCTL_NATS_URL: server.url,
    ADCTL_CACHE_DIR: cacheDir,
    ADCTL_DATA_ROOTS: '/',
    ADCTL_LOG_LEVEL: 'warn',
    ...toVariables(place),
  };
  const started: ChildProcess[] = [];
  const start = (name: string, more: Record<string, string>): ChildProcess => {
    const entry = join(dirname(createRequire(import.meta.url).resolve(name)), 'main.js');
    const child = spawn(process.execPath, [...flagsOf(name), entry], {
      env: { ...settings, ...more },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    started.push(child);
    return child;
  };
  const end = () =>
    Promise.all(
      started.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGTERM');
        await once(child, 'exit');
      }),
    );
  try {
    const controller = start('@adctl/controller', { ADCTL_METRICS_PORT: '0', ...pools });
    const children = Array.from({ length: workers }, (_, i) =>
      start('@adctl/worker', {
        ...NOOP_WORKER,
        ADCTL_WORKER_ID: `w-${process.pid}-${controller.pid}-${i}`,
        ADCTL_SLOTS: String(slots),
      }),
    );
    const messaging = await connectNats({ servers: [server.url], role: 'cli', identity: 'bench' });
    const objects = await openObjects(place);
    const request: Request = (verb, payload) =>
      patiently(() => messaging.control.request(verb, payload, { timeoutMs: 60_000 }));
    for (;;) {
      const status = await request('status', {}).then(ControllerStatus.parse, () => null);
      if (status !== null && status.slots >= workers * slots) break;
      await wait(200);
    }
    return {
      request,
      objects: objects.store,
      controllerPid: controller.pid ?? 0,
      workerPids: children.map(({ pid }) => pid ?? 0),
      async stop() {
        objects.close();
        await messaging.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** As the command line does: a controller that starts beside dozens of training processes may lose its lease once. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const since = performance.now(); ; await wait(200)) {
    try {
      return await ask();
    } catch (error) {
      const passes = error instanceof AdctlError && error.kind === 'transient';
      if (!passes || performance.now() - since > PATIENCE_MS) throw error;
    }
  }
}

/** What `openObjects` would be given, for another process. */
function toVariables(place: ObjectPlace): Record<string, string> {
  if (place.kind === 'filesystem') return { ADCTL_OBJECTS: 'filesystem', ADCTL_OBJECTS_DIR: place.directory };
  const { bucket, endpoint = '', region = '' } = place.settings;
  return { ADCTL_OBJECTS: 's3', ADCTL_S3_BUCKET: bucket, ADCTL_S3_ENDPOINT: endpoint, ADCTL_S3_REGION: region };
}

/** Flags of Node: the controller's own, and more, e.g. to profile: `ADCTL_BENCH_CONTROLLER_FLAGS`, `ADCTL_BENCH_WORKER_FLAGS`. */
function flagsOf(name: string): string[] {
  const isController = name === '@adctl/controller';
  const more = process.env[isController ? 'ADCTL_BENCH_CONTROLLER_FLAGS' : 'ADCTL_BENCH_WORKER_FLAGS'] ?? '';
  return [...(isController ? CONTROLLER_FLAGS : []), ...more.split(' ').filter((flag) => flag !== '')];
}
