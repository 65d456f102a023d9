import { homedir, hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveCacheDir } from '@adctl/datasets';
import { Flavour, parseEngineEnvironment } from '@adctl/engine';
import { NATS_VARIABLES, type NatsAddress, natsRules, toNatsAddress } from '@adctl/messaging';
import {
  type Environment,
  foldersVariable,
  POOL_SEPARATOR,
  parseEnvironment,
  switchVariable,
  WorkerId,
  wholeNumber,
} from '@adctl/protocol';
import { OBJECT_VARIABLES, type ObjectPlace, objectRules, toObjectPlace } from '@adctl/storage';
import { z } from 'zod';

/** Every environment variable of a worker but those of the engine. Read once; empty variables count as unset. */
const Variables = z.object({
  ...NATS_VARIABLES,
  ...OBJECT_VARIABLES,
  /** The embedded deployment's folder: socket, objects, scratch space. Needed where no NATS server is named. */
  ADCTL_DIRECTORY: z.string().min(1).optional(),
  /** Unique among living workers. Default: from the host's name and the process id; with a pool's credential the pool before them. */
  ADCTL_WORKER_ID: WorkerId.optional(),
  /** Which trials it takes. */
  ADCTL_CLASS: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'must be lower-case letters, digits and dashes')
    .default('cpu'),
  /** Trials at a time, each in a process of its own. */
  ADCTL_SLOTS: wholeNumber(1, 1),
  /** TensorFlow threads of each of them; trials repeat bit by bit only at the same number. */
  ADCTL_THREADS: wholeNumber(1, 1),
  ADCTL_ENGINE_FLAVOUR: Flavour.default('cpu'),
  /** All lease times hang on it. */
  ADCTL_ACK_WAIT_MS: wholeNumber(60_000, 200),
  ADCTL_HEARTBEAT_MS: wholeNumber(2_000, 10),
  /** Age after which the end of an epoch writes a checkpoint; 0: every epoch. */
  ADCTL_CHECKPOINT_SECONDS: z.coerce.number().min(0).default(10),
  /** How long a drain may take before the worker gives up with exit code 75. */
  ADCTL_DRAIN_GRACE_MS: wholeNumber(25_000),
  /** How long a trial may take to reach a step boundary and write its checkpoint before it is ended by force. */
  ADCTL_STOP_GRACE_MS: wholeNumber(20_000),
  /** Ends with exit code 0 after this long without a trial; 0: never. */
  ADCTL_IDLE_MS: wholeNumber(0),
  /** A training process is replaced after this many trials, or when it holds more memory between two trials. */
  ADCTL_TRAINER_TRIALS: wholeNumber(200, 1),
  ADCTL_TRAINER_RSS_BYTES: wholeNumber(4 * 2 ** 30, 1),
  /**
   * How long NATS may be silent before the worker gives up with exit code 75. Until then it trains on: nobody else can
   * claim its trials while the server is away, and when only this worker is cut off, the attempt number fences it.
   */
  ADCTL_UNREACHABLE_MS: wholeNumber(300_000, 100),
  /** Answers `GET /healthz` there for as long as the process is alive and not stuck; unset: nowhere. 0: any free port. */
  ADCTL_HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  /** Of a cluster: folders that data sets may be read from; unset: none, only what is fetched or shared. */
  ADCTL_DATA_ROOTS: foldersVariable,
  /** Where attempts keep files until they are stored. Default: `scratch` in the directory, or below the temporary folder. */
  ADCTL_SCRATCH_DIR: z.string().min(1).optional(),
  /** `1`: trains specs planned with other code, whose numbers may differ; results tell the code that trained them. */
  ADCTL_ALLOW_OTHER_CODE: switchVariable,
  /** `noop` trains nothing, for tests and benchmarks of everything else. */
  ADCTL_TRAINER: z.enum(['tensorflow', 'noop']).default('tensorflow'),
  ADCTL_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** Settings of a worker. Paths are absolute. */
export interface WorkerConfig {
  readonly deployment: WorkerDeployment;
  readonly worker: WorkerId;
  readonly class: string;
  readonly slots: number;
  readonly ackWaitMs: number;
  readonly heartbeatMs: number;
  readonly checkpointSeconds: number;
  readonly drainGraceMs: number;
  readonly stopGraceMs: number;
  /** Null: never ends by itself. */
  readonly idleMs: number | null;
  /** How long a claim may go unrenewed, because nobody answers, before its training is stopped. */
  readonly unreachableMs: number;
  readonly objects: ObjectPlace;
  readonly scratchDirectory: string;
  /** Folders below which `dataset.root` of a trial may lie; null: anywhere. */
  readonly dataRoots: readonly string[] | null;
  /**
   * What becomes of a spec that was planned with other code, unless a person accepted that: it is refused, or it is trained and
   * its result tells the code. `not-compared`: the trainer has no code that could differ.
   */
  readonly otherCode: 'refused' | 'trained' | 'not-compared';
  readonly healthPort: number | null;
  readonly trainer: TrainerConfig;
  readonly logLevel: string;
}

/** Where the queue and the records are. */
export type WorkerDeployment =
  | { readonly kind: 'embedded'; readonly directory: string }
  | {
      readonly kind: 'cluster';
      readonly nats: NatsAddress;
      /** The name of the credential, where it is shared by the workers of a pool. */
      readonly sharedIdentity: string | null;
    };

/** Settings of its training processes. */
export interface TrainerConfig {
  readonly kind: 'tensorflow' | 'noop';
  readonly flavour: Flavour;
  readonly threads: number;
  /** Root of the cache with the data sets. */
  readonly cacheDirectory: string;
  /** Root of the cache with the engine, usually the same. */
  readonly engineCacheDirectory: string;
  /** Trials after which the process is replaced. */
  readonly recycleTrials: number;
  /** Resident memory between trials above which the process is replaced. */
  readonly recycleRssBytes: number;
}

/**
 * Reads a worker's settings.
 *
 * @param variables usually `process.env`
 * @throws AdctlError `bad_worker_configuration` (user) listing every variable that is missing or wrong.
 */
export function parseWorkerConfig(variables: Environment): WorkerConfig {
  const env = parseEnvironment(variables, {
    schema: Variables,
    rules: [deploymentRules, natsRules],
    whose: 'the worker',
    code: 'bad_worker_configuration',
  });
  const nats = toNatsAddress(env);
  const directory = resolve(env.ADCTL_DIRECTORY ?? tmpdir());
  return {
    deployment:
      nats === null
        ? { kind: 'embedded', directory }
        : { kind: 'cluster', nats, sharedIdentity: env.ADCTL_NATS_IDENTITY ?? null },
    worker: env.ADCTL_WORKER_ID ?? defaultWorkerId(env.ADCTL_NATS_IDENTITY),
    class: env.ADCTL_CLASS,
    slots: env.ADCTL_SLOTS,
    ackWaitMs: env.ADCTL_ACK_WAIT_MS,
    heartbeatMs: env.ADCTL_HEARTBEAT_MS,
    checkpointSeconds: env.ADCTL_CHECKPOINT_SECONDS,
    drainGraceMs: env.ADCTL_DRAIN_GRACE_MS,
    stopGraceMs: env.ADCTL_STOP_GRACE_MS,
    idleMs: env.ADCTL_IDLE_MS === 0 ? null : env.ADCTL_IDLE_MS,
    // Embedded, a claim is about to be given away after three quarters of the ack wait, by a controller that is alive.
    unreachableMs: nats === null ? (env.ADCTL_ACK_WAIT_MS * 3) / 4 : env.ADCTL_UNREACHABLE_MS,
    objects:
      env.ADCTL_OBJECTS === undefined
        ? { kind: 'filesystem', directory: resolve(env.ADCTL_OBJECTS_DIR ?? join(directory, 'objects')) }
        : toObjectPlace(env),
    scratchDirectory: resolve(env.ADCTL_SCRATCH_DIR ?? join(directory, nats === null ? 'scratch' : 'adctl-scratch')),
    dataRoots: nats === null ? null : env.ADCTL_DATA_ROOTS,
    otherCode: env.ADCTL_TRAINER === 'noop' ? 'not-compared' : env.ADCTL_ALLOW_OTHER_CODE ? 'trained' : 'refused',
    healthPort: env.ADCTL_HEALTH_PORT ?? null,
    trainer: {
      kind: env.ADCTL_TRAINER,
      flavour: env.ADCTL_ENGINE_FLAVOUR,
      threads: env.ADCTL_THREADS,
      cacheDirectory: resolve(resolveCacheDir(variables, homedir())),
      engineCacheDirectory: parseEngineEnvironment(variables).cacheDir,
      recycleTrials: env.ADCTL_TRAINER_TRIALS,
      recycleRssBytes: env.ADCTL_TRAINER_RSS_BYTES,
    },
    logLevel: env.ADCTL_LOG_LEVEL,
  };
}

/** Embedded, everything lies in one folder; in a cluster objects have a place of their own. */
function* deploymentRules(set: Environment): Generator<string> {
  if (set.ADCTL_NATS_URL !== undefined) yield* objectRules(set);
  else if (set.ADCTL_DIRECTORY === undefined) yield 'ADCTL_DIRECTORY: is needed, or ADCTL_NATS_URL for a cluster';
}

/** @param pool whose credential it shares; the server lets it speak only under ids that begin with the pool. */
function defaultWorkerId(pool: string | undefined): WorkerId {
  const before = pool === undefined ? 'w-' : `${toToken(pool).slice(0, 24)}${POOL_SEPARATOR}`;
  return WorkerId.parse(`${before}${toToken(hostname()).slice(0, 40)}-${process.pid}`);
}

const toToken = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
