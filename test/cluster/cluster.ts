import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NatsCredentials } from '@adctl/messaging/nats';
import {
  findNatsBinaries,
  type NatsServer,
  type NatsServerOptions,
  startNatsCluster,
  startNatsServer,
} from '@adctl/testkit';
import { type Logins, nkeyLogins, type Somebody } from '../../packages/messaging/src/nats/logins.fixtures.ts';
import { type Finished, type Running, run, start } from '../e2e/adctl.ts';
import { type ClusterProcess, startProcess } from './processes.ts';

const CONTROLLER = fileURLToPath(new URL('../../packages/controller/dist/main.js', import.meta.url));
const WORKER = fileURLToPath(new URL('../../packages/worker/dist/main.js', import.meta.url));
/** The credential that all workers share. */
const POOL = 'pool-cpu';
/** The pool of worker pods, whose credential is good for those alone. */
export const POD_POOL = 'cpu';
/** Who submits sweeps. */
export const PERSON = 'alice';
/** Who may rebuild as well; `--context` of this name. */
export const ADMIN = 'carol';
/** Somebody else who submits sweeps; `--context` of this name. */
export const GUEST = 'bob';

export interface ClusterOptions {
  /** All lease times hang on it. */
  readonly ackWaitMs: number;
  /** Default: 1. Three keep a copy of every stream each. */
  readonly natsServers?: 1 | 3;
  /** How everybody logs in; default: by nkey. */
  readonly makeLogins?: (folder: string, users: readonly Somebody[]) => Logins;
  /** Further variables of controller and workers. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Real nats-servers with least permissions, and the built programs around it; objects in a folder unless `env` says S3. */
export interface Cluster {
  readonly folder: string;
  /** The first server, of one or three. */
  readonly nats: NatsServer;
  readonly natsServers: readonly NatsServer[];
  /** The object folder. */
  readonly objects: string;
  /** The nkey seed that all workers share, where they log in by nkey, and the name it has in the permissions. */
  readonly poolSeedFile: string;
  readonly poolIdentity: string;
  startController(env?: Readonly<Record<string, string>>): ClusterProcess;
  /** Resolves once the controller leads. */
  startLeader(env?: Readonly<Record<string, string>>): Promise<ClusterProcess>;
  startWorker(name: string, env?: Readonly<Record<string, string>>): ClusterProcess;
  /** `adctl` as its user would run it, with the cluster as its context. */
  start(args: readonly string[]): Running;
  run(args: readonly string[]): Promise<Finished>;
  close(): Promise<void>;
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { ackWaitMs, natsServers: copies = 1, env = {}, makeLogins = nkeyLogins } = options;
  const { newest, old } = await findNatsBinaries();
  const binary = 'path' in newest ? newest : old;
  if ('missing' in binary) throw new Error(`no nats-server to test with: ${binary.missing}`);
  const folder = await mkdtemp(join(tmpdir(), 'adctl-cluster-'));
  const logins = makeLogins(folder, [
    { role: 'controller', name: 'controller' },
    { role: 'worker', name: POOL, classes: ['cpu'], sharedBy: 'all' },
    { role: 'worker', name: POD_POOL, classes: ['cpu'], sharedBy: 'pool' },
    { role: 'cli', name: PERSON },
    { role: 'cli', name: GUEST },
    { role: 'admin', name: ADMIN },
  ]);
  const natsServers = await startNatsServers(copies, { path: binary.path, config: logins.config });
  const [nats] = natsServers;
  if (nats === undefined) throw new Error('no nats-server was started');
  const urls = natsServers.map(({ url }) => `nats://${url}`);
  const objects = join(folder, 'objects');
  const config = join(folder, 'config');
  await mkdir(config, { mode: 0o700 });
  const contextOf = (identity: string) => ({
    servers: urls,
    identity,
    ...logins.credentialsOf(identity),
  });
  await writeFile(
    join(config, 'contexts.yaml'),
    JSON.stringify({
      version: 1,
      current: 'test',
      contexts: { test: contextOf(PERSON), [GUEST]: contextOf(GUEST), [ADMIN]: contextOf(ADMIN) },
    }),
    { mode: 0o600 },
  );
  const processes: ClusterProcess[] = [];
  const spawn = (entry: string, own: Readonly<Record<string, string>>) => {
    const started = startProcess(entry, {
      cwd: folder,
      env: {
        ...process.env,
        ADCTL_NATS_URL: urls.join(','),
        ADCTL_NATS_REPLICAS: String(copies),
        ADCTL_NATS_METRICS_MAX_BYTES: String(64 * 1024 ** 2),
        ADCTL_NATS_RECONNECT_MS: '100',
        ADCTL_METRICS_PORT: '0', // several controllers share this machine
        ADCTL_ACK_WAIT_MS: String(ackWaitMs),
        ADCTL_OBJECTS: 'filesystem',
        ADCTL_OBJECTS_DIR: objects,
        ADCTL_DATA_ROOTS: tmpdir(), // where tests put their images
        ...env,
        ...own,
      },
    });
    processes.push(started);
    return started;
  };
  const startController = (own = {}) =>
    spawn(CONTROLLER, { ...environmentOf(logins.credentialsOf('controller')), ...own });
  const cli = { cwd: folder, env: { ADCTL_CONFIG_DIR: config } };
  return {
    folder,
    nats,
    natsServers,
    objects,
    poolSeedFile: join(folder, `${POOL}.nk`),
    poolIdentity: POOL,
    startController,
    async startLeader(own) {
      const controller = startController(own);
      await controller.says('"msg":"leads"');
      return controller;
    },
    startWorker: (name, own = {}) =>
      spawn(WORKER, {
        ...environmentOf(logins.credentialsOf(POOL)),
        ADCTL_NATS_IDENTITY: POOL,
        ADCTL_WORKER_ID: name,
        ADCTL_SCRATCH_DIR: join(folder, 'scratch'),
        ADCTL_HEARTBEAT_MS: '200',
        ...own,
      }),
    start: (args) => start(args, cli),
    run: (args) => run(args, cli),
    async close() {
      await Promise.all(processes.map((one) => one.remove()));
      await Promise.all(natsServers.map((server) => server.remove()));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function startNatsServers(count: 1 | 3, options: NatsServerOptions): Promise<readonly NatsServer[]> {
  if (count === 1) return [await startNatsServer(options)];
  const { servers } = await startNatsCluster(options);
  return servers;
}

/** Variables that name these credentials to a controller or worker. */
function environmentOf(credentials: NatsCredentials): Record<string, string> {
  if ('nkeySeedFile' in credentials) return { ADCTL_NATS_NKEY_SEED_FILE: credentials.nkeySeedFile };
  if ('credsFile' in credentials) return { ADCTL_NATS_CREDS_FILE: credentials.credsFile };
  return { ADCTL_NATS_USER: credentials.user, ADCTL_NATS_PASSWORD_FILE: credentials.passwordFile };
}
