import { AdctlError, userError } from '@adctl/protocol';
import { assertObjectPrefix } from '../object-key.js';
import type { RetryPolicy } from './retry.js';

/**
 * Where the objects are and how to talk to the place. Credentials are not among these: the SDK's own chain finds them in
 * environment variables, shared files, a web identity token (IRSA), the container's or the machine's role.
 */
export interface S3Settings {
  /** Name of the bucket, or ARN of an access point. */
  readonly bucket: string;
  /** Every key lies below it, e.g. `adctl/`; a missing slash at the end is added. Default: the whole bucket. */
  readonly prefix?: string | undefined;
  /** Default: with an endpoint `us-east-1`, else what the SDK finds (`AWS_REGION`, the shared configuration). */
  readonly region?: string | undefined;
  /** `https://host[:port]` of another vendor's store. Default: AWS. */
  readonly endpoint?: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default: with an endpoint true, else false. */
  readonly forcePathStyle?: boolean | undefined;
  /**
   * `always`: every put and part carries its SHA-256, and answers are checked. `whenRequired`: only where S3 insists, for
   * stores that refuse or garble the newer checksum headers. Default: with an endpoint `whenRequired`, else `always`.
   */
  readonly checksums?: 'always' | 'whenRequired' | undefined;
  /** Accept a store without conditional writes, for one writer a key at a time (`docs/storage.md`). */
  readonly degraded?: 'single-writer' | undefined;
  /** Connections kept open, and so requests under way, at most. Default 32. */
  readonly maxSockets?: number | undefined;
  /** Default 5,000. */
  readonly connectionTimeoutMs?: number | undefined;
  /** From the first byte sent to the answer's headers, and of silence while the body arrives. Default 60,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Objects a listing fetches at a time, 1 to 1,000. Default 1,000. */
  readonly pageSize?: number | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
}

/** The same with every default filled in. */
export interface ResolvedS3Settings {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  readonly checksums: 'always' | 'whenRequired';
  readonly maxSockets: number;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pageSize: number;
  readonly retry: RetryPolicy;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const ACCESS_POINT = /^arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:\d{12}:accesspoint[/:][a-z0-9-]{3,50}$/;

/**
 * Fills in defaults.
 * @throws AdctlError user `bad_s3_settings` naming the setting; never repeating an endpoint, which may hold a password.
 */
export function resolveSettings(settings: S3Settings): ResolvedS3Settings {
  const { bucket, endpoint, region } = settings;
  if (!BUCKET.test(bucket) && !ACCESS_POINT.test(bucket)) {
    throw badSettings(
      `${JSON.stringify(bucket)} is no bucket name`,
      'Give the name alone, e.g. adctl-objects, or an access point ARN.',
    );
  }
  const other = endpoint !== undefined;
  return {
    bucket,
    prefix: resolvePrefix(settings.prefix ?? ''),
    region: region ?? (other ? 'us-east-1' : undefined),
    endpoint: other ? resolveEndpoint(endpoint) : undefined,
    forcePathStyle: settings.forcePathStyle ?? other,
    checksums: settings.checksums ?? (other ? 'whenRequired' : 'always'),
    maxSockets: inRange('maxSockets', settings.maxSockets ?? 32, 1, 1024),
    connectionTimeoutMs: inRange('connectionTimeoutMs', settings.connectionTimeoutMs ?? 5_000, 1, 600_000),
    requestTimeoutMs: inRange('requestTimeoutMs', settings.requestTimeoutMs ?? 60_000, 1, 3_600_000),
    pageSize: inRange('pageSize', settings.pageSize ?? 1_000, 1, 1_000),
    retry: {
      firstDelayMs: inRange('retry.firstDelayMs', settings.retry?.firstDelayMs ?? 1_000, 1, 60_000),
      longestDelayMs: inRange('retry.longestDelayMs', settings.retry?.longestDelayMs ?? 60_000, 1, 600_000),
      giveUpTogether: settings.retry?.giveUpTogether ?? false,
      deadlineMs: inRange('retry.deadlineMs', settings.retry?.deadlineMs ?? 15 * 60_000, 0, 24 * 3_600_000),
    },
  };
}

function resolvePrefix(prefix: string): string {
  const closed = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  try {
    assertObjectPrefix(closed);
  } catch (error) {
    if (!(error instanceof AdctlError)) throw error;
    throw badSettings(
      `the prefix ${JSON.stringify(prefix)} cannot begin a key`,
      'Use letters, digits, . _ = - and single slashes.',
    );
  }
  return closed;
}

function resolveEndpoint(endpoint: string): string {
  const url = URL.parse(endpoint);
  const plain =
    url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.hash === '';
  if (!plain)
    throw badSettings('the endpoint is no address', 'Write https://host or https://host:port, without path or query.');
  if (url.username !== '' || url.password !== '') {
    throw badSettings(
      'the endpoint holds a user name or password',
      'Put credentials into the environment or a shared credentials file.',
    );
  }
  return url.origin;
}

function inRange(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw badSettings(`${name} is ${value}, not within ${least} to ${most}`, 'Correct the setting.');
}

/** Thrown for a setting that cannot be used. */
export function badSettings(message: string, hint: string, cause?: unknown): AdctlError {
  return userError('bad_s3_settings', `object store settings: ${message}`, { hint, cause });
}
