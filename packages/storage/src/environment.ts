import { resolve } from 'node:path';
import { type Environment, wholeNumber } from '@adctl/protocol';
import { z } from 'zod';
import type { ObjectPlace } from './place.js';
import type { S3Settings } from './s3/settings.js';

/** Environment variables of every process that opens the object store; docs/operations.md explains them. */
export const OBJECT_VARIABLES = {
  ADCTL_OBJECTS: z.enum(['s3', 'filesystem']).optional(),
  /** `filesystem`: the folder, the same one for controller and workers. */
  ADCTL_OBJECTS_DIR: z.string().min(1).optional(),
  /** `s3`: credentials are found by the AWS SDK's own chain. */
  ADCTL_S3_BUCKET: z.string().min(1).optional(),
  ADCTL_S3_PREFIX: z.string().min(1).optional(),
  ADCTL_S3_REGION: z.string().min(1).optional(),
  ADCTL_S3_ENDPOINT: z.string().min(1).optional(),
  /** Unset: with an endpoint yes, else no. */
  ADCTL_S3_PATH_STYLE: z.enum(['0', '1']).optional(),
  ADCTL_S3_CHECKSUMS: z.enum(['always', 'whenRequired']).optional(),
  ADCTL_S3_DEGRADED: z.literal('single-writer').optional(),
  ADCTL_S3_MAX_SOCKETS: wholeNumber(32, 1),
  ADCTL_S3_CONNECTION_TIMEOUT_MS: wholeNumber(5_000, 1),
  ADCTL_S3_REQUEST_TIMEOUT_MS: wholeNumber(60_000, 1),
  /** How long one call tries again before it fails. */
  ADCTL_S3_RETRY_DEADLINE_MS: wholeNumber(900_000),
  /** The first pause between two tries; it doubles. */
  ADCTL_S3_RETRY_PAUSE_MS: wholeNumber(1_000, 1),
};

type ObjectEnvironment = z.output<z.ZodObject<typeof OBJECT_VARIABLES>>;

/** What the variables of the object store must satisfy together, where it has no place by default. */
export function* objectRules(set: Environment): Generator<string> {
  if (set.ADCTL_OBJECTS === undefined) yield 'ADCTL_OBJECTS: say s3 or filesystem';
  if (set.ADCTL_OBJECTS === 's3' && set.ADCTL_S3_BUCKET === undefined) {
    yield 'ADCTL_S3_BUCKET: is needed with ADCTL_OBJECTS=s3';
  }
  if (set.ADCTL_OBJECTS === 'filesystem' && set.ADCTL_OBJECTS_DIR === undefined) {
    yield 'ADCTL_OBJECTS_DIR: is needed with ADCTL_OBJECTS=filesystem';
  }
}

/** The place that the variables name; `objectRules` must hold. */
export function toObjectPlace(env: ObjectEnvironment): ObjectPlace {
  return env.ADCTL_OBJECTS === 's3'
    ? { kind: 's3', settings: toS3Settings(env) }
    : { kind: 'filesystem', directory: resolve(env.ADCTL_OBJECTS_DIR ?? '') };
}

/** How the variables say that S3 is reached, whether or not the objects lie there. */
export function toS3Settings(env: ObjectEnvironment): S3Settings {
  return {
    bucket: env.ADCTL_S3_BUCKET ?? '',
    prefix: env.ADCTL_S3_PREFIX,
    region: env.ADCTL_S3_REGION,
    endpoint: env.ADCTL_S3_ENDPOINT,
    forcePathStyle: env.ADCTL_S3_PATH_STYLE === undefined ? undefined : env.ADCTL_S3_PATH_STYLE === '1',
    checksums: env.ADCTL_S3_CHECKSUMS,
    degraded: env.ADCTL_S3_DEGRADED,
    maxSockets: env.ADCTL_S3_MAX_SOCKETS,
    connectionTimeoutMs: env.ADCTL_S3_CONNECTION_TIMEOUT_MS,
    requestTimeoutMs: env.ADCTL_S3_REQUEST_TIMEOUT_MS,
    retry: { deadlineMs: env.ADCTL_S3_RETRY_DEADLINE_MS, firstDelayMs: env.ADCTL_S3_RETRY_PAUSE_MS },
  };
}
