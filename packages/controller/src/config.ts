import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { resolveCacheDir } from '@adctl/datasets';
import {
  NATS_STREAM_VARIABLES,
  NATS_VARIABLES,
  type NatsAddress,
  natsRules,
  type StreamSettings,
  toNatsAddress,
  toStreamSettings,
} from '@adctl/messaging';
import {
  type Environment,
  foldersVariable,
  parseEnvironment,
  SWEEP_DEFAULTS,
  switchVariable,
  wholeNumber,
} from '@adctl/protocol';
import { OBJECT_VARIABLES, type ObjectPlace, objectRules, toObjectPlace } from '@adctl/storage';
import { z } from 'zod';
import { poolsFileUnreadable, unknownPool } from './errors.js';
import { parsePools } from './kubernetes/parse-pools.js';
import type { PoolsFile } from './kubernetes/pool.js';
import { type OwnerPolicies, parseOwnerPolicies } from './plan/owner-policy.js';

/** What a sweep that names no pool says. */
const UNNAMED_POOL = SWEEP_DEFAULTS.pool;
/** The class of a worker that is not told otherwise. */
const DEFAULT_CLASS = 'cpu';

/** `pool=class` pairs joined by commas. */
const poolClasses = z
  .string()
  .regex(/^[a-z0-9-]+=[a-z0-9-]+(,[a-z0-9-]+=[a-z0-9-]+)*$/, 'must be like gpu=gpu24,cpu=cpu')
  .transform((text) => new Map(text.split(',').map((pair) => pair.split('=') as [string, string])));

/** Every environment variable of the controller but the cache folder's. Read once; empty variables count as unset. */
const Variables = z.object({
  ...NATS_VARIABLES,
  ...NATS_STREAM_VARIABLES,
  ...OBJECT_VARIABLES,
  /** Which replica this is, for people. Default: the host's name and the process id. */
  ADCTL_CONTROLLER_ID: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'must be lower-case letters, digits and dashes')
    .optional(),
  /** The class of workers that a sweep's `resources.pool` means. Unset: the pool's name is the class, `cpu` when it names none. */
  ADCTL_POOL_CLASSES: poolClasses.optional(),
  /** Pools of worker pods that this controller makes on Kubernetes (docs/kubernetes.md): a file, or its text. */
  ADCTL_POOLS_FILE: z.string().min(1).optional(),
  ADCTL_POOLS: z.string().min(1).optional(),
  /** How to reach the API server. Default: the pod's service account. */
  ADCTL_KUBECONFIG: z.string().min(1).optional(),
  /** Where the workers run. Default: the service account's namespace, or that of the kubeconfig's context. */
  ADCTL_KUBERNETES_NAMESPACE: z.string().min(1).optional(),
  /** Name of this installation (Helm: the release); workers are told apart by it. */
  ADCTL_KUBERNETES_INSTANCE: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be at most 63 lower-case letters, digits and dashes')
    .default('adctl'),
  /** The controller's own pod, whose workload the workers go with. Default: in a cluster the host's name, with a kubeconfig none. */
  ADCTL_POD_NAME: z.string().min(1).optional(),
  /** All lease times hang on it; workers must have the same. */
  ADCTL_ACK_WAIT_MS: wholeNumber(60_000, 200),
  /** Trials kept dispatched or running for each slot. */
  ADCTL_WINDOW_PER_SLOT: wholeNumber(2, 1),
  /** `owner=number,…`: shares of the places, and most trials in flight; `*` stands for everybody else. */
  ADCTL_OWNER_WEIGHTS: z.string().default(''),
  ADCTL_OWNER_QUOTAS: z.string().default(''),
  /** `1`: everybody may pause, change, cancel and retry everybody's sweeps, not only their owner and admins. */
  ADCTL_SHARED_CONTROL: switchVariable,
  /** Where metrics and health are served; 0: any free port. */
  ADCTL_METRICS_PORT: wholeNumber(9464).refine((port) => port <= 65_535, 'must be a port'),
  /** Folders that data sets may be read from, and their workers too; unset: none, only what is fetched or shared. */
  ADCTL_DATA_ROOTS: foldersVariable,
  /** How often old checkpoints are cleared away; 0: only when asked for. */
  ADCTL_GC_HOURS: wholeNumber(24),
  /** How long an end may take before the process gives up with exit code 75. */
  ADCTL_SHUTDOWN_GRACE_MS: wholeNumber(10_000),
  ADCTL_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** Settings of a controller in a cluster. */
export interface ControllerConfig {
  readonly controllerId: string;
  readonly nats: NatsAddress;
  /** The name that the server's permissions know the controllers by; replicas share it. */
  readonly identity: string;
  readonly streams: Partial<StreamSettings>;
  readonly objects: ObjectPlace;
  /** Classes whose queues are made at start, so that workers find them; others come with their first trial. */
  readonly classes: readonly string[];
  /** @throws AdctlError user `unknown_pool` when pools are listed and this one is not. */
  readonly classOf: (pool: string) => string;
  /** Null: workers are started by others. */
  readonly kubernetes: KubernetesSettings | null;
  readonly ackWaitMs: number;
  readonly windowPerSlot: number;
  readonly owners: OwnerPolicies;
  readonly sharedControl: boolean;
  readonly metricsPort: number;
  /** 0: never by itself. */
  readonly gcHours: number;
  readonly shutdownGraceMs: number;
  /** Data sets, as far as the controller looks at them. */
  readonly cacheDir: string;
  /** Folders below which `dataset.root` of a sweep may lie. */
  readonly dataRoots: readonly string[];
  readonly logLevel: string;
}

/** Pools of worker pods, and where they run. */
export interface KubernetesSettings {
  readonly pools: PoolsFile;
  readonly kubeconfig: string | undefined;
  readonly namespace: string | undefined;
  readonly instance: string;
  readonly podName: string | undefined;
}

/**
 * Reads the controller's settings.
 *
 * @param variables usually `process.env`
 * @throws AdctlError user `bad_controller_configuration` listing every variable that is missing or wrong;
 *   `invalid_pools` and `pools_file_unreadable` for the pools.
 */
export function parseControllerConfig(variables: Environment): ControllerConfig {
  const env = parseEnvironment(variables, {
    schema: Variables,
    rules: [needsServer, onePlaceForPools, natsRules, objectRules],
    whose: 'the controller',
    code: 'bad_controller_configuration',
  });
  const nats = toNatsAddress(env);
  if (nats === null) throw new TypeError('a rule lets no environment without a server pass');
  const kubernetes = toKubernetes(env);
  const pools =
    kubernetes === null
      ? env.ADCTL_POOL_CLASSES
      : new Map(kubernetes.pools.pools.map((pool) => [pool.name, pool.class]));
  return {
    controllerId: env.ADCTL_CONTROLLER_ID ?? defaultControllerId(),
    nats,
    identity: env.ADCTL_NATS_IDENTITY ?? 'controller',
    streams: toStreamSettings(env, env.ADCTL_ACK_WAIT_MS),
    objects: toObjectPlace(env),
    classes: pools === undefined ? [DEFAULT_CLASS] : [...new Set(pools.values())],
    classOf: (pool) => classOf(pool, pools),
    kubernetes,
    ackWaitMs: env.ADCTL_ACK_WAIT_MS,
    windowPerSlot: env.ADCTL_WINDOW_PER_SLOT,
    metricsPort: env.ADCTL_METRICS_PORT,
    gcHours: env.ADCTL_GC_HOURS,
    owners: parseOwnerPolicies(env.ADCTL_OWNER_WEIGHTS, env.ADCTL_OWNER_QUOTAS),
    sharedControl: env.ADCTL_SHARED_CONTROL,
    shutdownGraceMs: env.ADCTL_SHUTDOWN_GRACE_MS,
    cacheDir: resolveCacheDir(variables, homedir()),
    dataRoots: env.ADCTL_DATA_ROOTS,
    logLevel: env.ADCTL_LOG_LEVEL,
  };
}

/** A sweep that names no pool goes to the first one; without a list, to the class that workers have by default. */
function classOf(pool: string, pools: ReadonlyMap<string, string> | undefined): string {
  if (pools === undefined) return pool === UNNAMED_POOL ? DEFAULT_CLASS : pool;
  const name = pools.get(pool) ?? (pool === UNNAMED_POOL ? [...pools.values()][0] : undefined);
  if (name === undefined) throw unknownPool(pool, [...pools.keys()]);
  return name;
}

function toKubernetes(env: z.output<typeof Variables>): KubernetesSettings | null {
  const pools = readPools(env);
  if (pools === null) return null;
  return {
    pools,
    kubeconfig: env.ADCTL_KUBECONFIG,
    namespace: env.ADCTL_KUBERNETES_NAMESPACE,
    instance: env.ADCTL_KUBERNETES_INSTANCE,
    podName: env.ADCTL_POD_NAME ?? (env.ADCTL_KUBECONFIG === undefined ? hostname() : undefined),
  };
}

function readPools({ ADCTL_POOLS: text, ADCTL_POOLS_FILE: file }: z.output<typeof Variables>): PoolsFile | null {
  if (text !== undefined) return parsePools(text, 'ADCTL_POOLS');
  if (file === undefined) return null;
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw poolsFileUnreadable(file, error);
  }
  return parsePools(content, file);
}

function* onePlaceForPools(set: Environment): Generator<string> {
  const given = ['ADCTL_POOLS', 'ADCTL_POOLS_FILE', 'ADCTL_POOL_CLASSES'].filter((name) => set[name] !== undefined);
  if (given.length > 1) yield `${given.join(', ')}: exclude each other`;
}

function* needsServer(set: Environment): Generator<string> {
  if (set.ADCTL_NATS_URL === undefined) yield 'ADCTL_NATS_URL: is needed';
}

function defaultControllerId(): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `${host.slice(0, 50) || 'controller'}-${process.pid}`;
}
