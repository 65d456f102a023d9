import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { Flavour, parseEngineEnvironment } from '@adctl/engine';
import { userError, WorkerId } from '@adctl/protocol';
import { z } from 'zod';

/** A number in an environment variable. */
const whole = (fallback: number, least = 0) => z.coerce.number().int().min(least).default(fallback);
const flag = z.enum(['0', '1']).default('0');

/** Every environment variable of a worker but those of the engine. Read once; empty variables count as unset. */
const Variables = z.object({
  /** The embedded deployment's folder: socket, objects, scratch space. */
  ADCTL_DIRECTORY: z.string().min(1),
  /** Unique among living workers. Default: from the host's name and the process id. */
  ADCTL_WORKER_ID: WorkerId.optional(),
  /** Which trials it takes. */
  ADCTL_CLASS: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'must be lower-case letters, digits and dashes')
    .default('cpu'),
  /** Trials at a time, each in a process of its own. */
  ADCTL_SLOTS: whole(1, 1),
  /** TensorFlow threads of each of them; trials repeat bit by bit only at the same number. */
  ADCTL_THREADS: whole(1, 1),
  ADCTL_ENGINE_FLAVOUR: Flavour.default('cpu'),
  /** All lease times hang on it. */
  ADCTL_ACK_WAIT_MS: whole(60_000, 200),
  ADCTL_HEARTBEAT_MS: whole(2_000, 10),
  /** Age after which the end of an epoch writes a checkpoint; 0: every epoch. */
  ADCTL_CHECKPOINT_SECONDS: z.coerce.number().min(0).default(10),
  /** How long a drain may take before the worker gives up with exit code 75. */
  ADCTL_DRAIN_GRACE_MS: whole(25_000),
  /** How long a trial may take to reach a step boundary and write its checkpoint before it is ended by force. */
  ADCTL_STOP_GRACE_MS: whole(20_000),
  /** Ends with exit code 0 after this long without a trial; 0: never. */
  ADCTL_IDLE_MS: whole(0),
  /** A training process is replaced after this many trials, or when it holds more memory between two trials. */
  ADCTL_TRAINER_TRIALS: whole(200, 1),
  ADCTL_TRAINER_RSS_BYTES: whole(4 * 2 ** 30, 1),
  /** The embedded object store. Default: `objects` in the directory. */
  ADCTL_OBJECTS_DIR: z.string().min(1).optional(),
  /** Where attempts keep files until they are stored. Default: `scratch` in the directory. */
  ADCTL_SCRATCH_DIR: z.string().min(1).optional(),
  /** `1`: trains specs planned with other code, whose numbers may differ. */
  ADCTL_ALLOW_OTHER_CODE: flag,
  /** `noop` trains nothing, for tests and benchmarks of everything else. */
  ADCTL_TRAINER: z.enum(['tensorflow', 'noop']).default('tensorflow'),
  ADCTL_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** Settings of a worker. Paths are absolute. */
export interface WorkerConfig {
  readonly directory: string;
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
  readonly objectsDirectory: string;
  readonly scratchDirectory: string;
  readonly allowOtherCode: boolean;
  readonly trainer: TrainerConfig;
  readonly logLevel: string;
}

/** Settings of its training processes. */
export interface TrainerConfig {
  readonly kind: 'tensorflow' | 'noop';
  readonly flavour: Flavour;
  readonly threads: number;
  /** Root of the cache with the engine and the data sets. */
  readonly cacheDirectory: string;
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
export function parseWorkerConfig(variables: Readonly<Record<string, string | undefined>>): WorkerConfig {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = Variables.safeParse(set);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw userError('bad_worker_configuration', `The worker's environment is wrong.\n${issues.join('\n')}`, {
      hint: 'Correct these environment variables and start the worker again.',
      details: { issues },
    });
  }
  const env = parsed.data;
  const directory = resolve(env.ADCTL_DIRECTORY);
  const { cacheDir } = parseEngineEnvironment(set);
  return {
    directory,
    worker: env.ADCTL_WORKER_ID ?? defaultWorkerId(),
    class: env.ADCTL_CLASS,
    slots: env.ADCTL_SLOTS,
    ackWaitMs: env.ADCTL_ACK_WAIT_MS,
    heartbeatMs: env.ADCTL_HEARTBEAT_MS,
    checkpointSeconds: env.ADCTL_CHECKPOINT_SECONDS,
    drainGraceMs: env.ADCTL_DRAIN_GRACE_MS,
    stopGraceMs: env.ADCTL_STOP_GRACE_MS,
    idleMs: env.ADCTL_IDLE_MS === 0 ? null : env.ADCTL_IDLE_MS,
    objectsDirectory: resolve(env.ADCTL_OBJECTS_DIR ?? join(directory, 'objects')),
    scratchDirectory: resolve(env.ADCTL_SCRATCH_DIR ?? join(directory, 'scratch')),
    allowOtherCode: env.ADCTL_ALLOW_OTHER_CODE === '1' || env.ADCTL_TRAINER === 'noop', // noop has no code to compare
    trainer: {
      kind: env.ADCTL_TRAINER,
      flavour: env.ADCTL_ENGINE_FLAVOUR,
      threads: env.ADCTL_THREADS,
      cacheDirectory: cacheDir,
      recycleTrials: env.ADCTL_TRAINER_TRIALS,
      recycleRssBytes: env.ADCTL_TRAINER_RSS_BYTES,
    },
    logLevel: env.ADCTL_LOG_LEVEL,
  };
}

function defaultWorkerId(): WorkerId {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return WorkerId.parse(`w-${host.slice(0, 50)}-${process.pid}`);
}
