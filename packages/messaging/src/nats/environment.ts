import { type Environment, listVariable, switchVariable, wholeNumber } from '@adctl/protocol';
import { z } from 'zod';
import type { NatsOptions } from './connect.js';
import type { NatsCredentials, NatsTls } from './core-nats.js';
import { DEFAULT_STREAM_SETTINGS } from './settings.js';

const file = z.string().min(1).optional();
const DEFAULTS = DEFAULT_STREAM_SETTINGS;

/**
 * Environment variables of every process that connects to NATS; docs/operations.md explains them. Credentials are files:
 * an environment can be read by too many.
 */
export const NATS_VARIABLES = {
  /** `nats://host:port` or `tls://host:port`, several joined by commas; never with a user or password. */
  ADCTL_NATS_URL: listVariable.pipe(z.array(z.string()).min(1, 'must name a server')).optional(),
  /** PEM files: the authority of the server's certificate; our own certificate and key. */
  ADCTL_NATS_CA_FILE: file,
  ADCTL_NATS_CERT_FILE: file,
  ADCTL_NATS_KEY_FILE: file,
  /** `1`: TLS with the machine's own authorities, as `tls://` asks for too. */
  ADCTL_NATS_TLS: switchVariable,
  /** One of: an nkey seed, a `.creds` file, a user with a password file. */
  ADCTL_NATS_NKEY_SEED_FILE: file,
  ADCTL_NATS_CREDS_FILE: file,
  ADCTL_NATS_USER: file,
  ADCTL_NATS_PASSWORD_FILE: file,
  /** The name the server's permissions know us by. Default: `controller`; a worker's own id. */
  ADCTL_NATS_IDENTITY: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'must be letters, digits, dashes and underscores')
    .optional(),
  ADCTL_NATS_NAMESPACE: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,31}$/, 'must be up to 32 lower-case letters and digits, a letter first')
    .optional(),
  /** How long the first connect is tried. */
  ADCTL_NATS_FIRST_CONNECT_MS: wholeNumber(60_000),
  /** How long one call tries again before it fails. */
  ADCTL_NATS_PATIENCE_MS: wholeNumber(30_000, 100),
  ADCTL_NATS_RECONNECT_MS: wholeNumber(1_000, 10),
};

/** Variables of streams and consumers, which the controller alone makes. */
export const NATS_STREAM_VARIABLES = {
  ADCTL_NATS_REPLICAS: z.coerce
    .number()
    .pipe(z.literal([1, 3, 5]))
    .default(1),
  ADCTL_NATS_DUPLICATE_WINDOW_MS: wholeNumber(DEFAULTS.duplicateWindowMs, 100),
  ADCTL_NATS_MAX_IN_FLIGHT: wholeNumber(DEFAULTS.maxInFlight, 1),
  ADCTL_NATS_MAX_WAITING: wholeNumber(DEFAULTS.maxWaiting, 1),
  ADCTL_NATS_EVENTS_MAX_AGE_MS: wholeNumber(DEFAULTS.eventsMaxAgeMs, 1_000),
  ADCTL_NATS_METRICS_MAX_AGE_MS: wholeNumber(DEFAULTS.metricsMaxAgeMs, 1_000),
  ADCTL_NATS_METRICS_MAX_BYTES: wholeNumber(DEFAULTS.metricsMaxBytes, 1_048_576),
};

type NatsEnvironment = z.output<z.ZodObject<typeof NATS_VARIABLES>>;
type NatsStreamEnvironment = z.output<z.ZodObject<typeof NATS_STREAM_VARIABLES>>;

const LOGINS = ['ADCTL_NATS_NKEY_SEED_FILE', 'ADCTL_NATS_CREDS_FILE', 'ADCTL_NATS_USER'] as const;
const PAIRS = [
  ['ADCTL_NATS_USER', 'ADCTL_NATS_PASSWORD_FILE'],
  ['ADCTL_NATS_CERT_FILE', 'ADCTL_NATS_KEY_FILE'],
] as const;

/** What the variables of NATS must satisfy together. */
export function* natsRules(set: Environment): Generator<string> {
  if (set.ADCTL_NATS_URL?.includes('@')) {
    yield 'ADCTL_NATS_URL: must not hold a user or password; put them into a file that only this user may read';
  }
  const logins = LOGINS.filter((name) => set[name] !== undefined);
  if (logins.length > 1) yield `${logins.join(', ')}: give one of them`;
  for (const [one, other] of PAIRS) {
    if (set[one] !== undefined && set[other] === undefined) yield `${other}: is needed together with ${one}`;
    if (set[one] === undefined && set[other] !== undefined) yield `${one}: is needed together with ${other}`;
  }
}

/** Options of a connection, without who connects and what for. */
export type NatsAddress = Pick<
  NatsOptions,
  'servers' | 'credentials' | 'tls' | 'namespace' | 'firstConnectMs' | 'patienceMs' | 'reconnectWaitMs'
>;

/** The connection that the variables describe; null when they name no server. */
export function toNatsAddress(env: NatsEnvironment): NatsAddress | null {
  const servers = env.ADCTL_NATS_URL ?? [];
  if (servers.length === 0) return null;
  const credentials = toCredentials(env);
  const tls = toTls(env, servers);
  return {
    servers,
    ...(credentials === undefined ? {} : { credentials }),
    ...(tls === undefined ? {} : { tls }),
    ...(env.ADCTL_NATS_NAMESPACE === undefined ? {} : { namespace: env.ADCTL_NATS_NAMESPACE }),
    firstConnectMs: env.ADCTL_NATS_FIRST_CONNECT_MS,
    patienceMs: env.ADCTL_NATS_PATIENCE_MS,
    reconnectWaitMs: env.ADCTL_NATS_RECONNECT_MS,
  };
}

/** Settings of streams and consumers that the variables describe. */
export function toStreamSettings(env: NatsStreamEnvironment, ackWaitMs: number): NonNullable<NatsOptions['settings']> {
  return {
    ackWaitMs,
    replicas: env.ADCTL_NATS_REPLICAS,
    duplicateWindowMs: env.ADCTL_NATS_DUPLICATE_WINDOW_MS,
    maxInFlight: env.ADCTL_NATS_MAX_IN_FLIGHT,
    maxWaiting: env.ADCTL_NATS_MAX_WAITING,
    eventsMaxAgeMs: env.ADCTL_NATS_EVENTS_MAX_AGE_MS,
    metricsMaxAgeMs: env.ADCTL_NATS_METRICS_MAX_AGE_MS,
    metricsMaxBytes: env.ADCTL_NATS_METRICS_MAX_BYTES,
  };
}

function toCredentials(env: NatsEnvironment): NatsCredentials | undefined {
  if (env.ADCTL_NATS_NKEY_SEED_FILE !== undefined) return { nkeySeedFile: env.ADCTL_NATS_NKEY_SEED_FILE };
  if (env.ADCTL_NATS_CREDS_FILE !== undefined) return { credsFile: env.ADCTL_NATS_CREDS_FILE };
  const { ADCTL_NATS_USER: user, ADCTL_NATS_PASSWORD_FILE: passwordFile } = env;
  return user === undefined || passwordFile === undefined ? undefined : { user, passwordFile };
}

function toTls(env: NatsEnvironment, servers: readonly string[]): NatsTls | undefined {
  const { ADCTL_NATS_CA_FILE: caFile, ADCTL_NATS_CERT_FILE: certFile, ADCTL_NATS_KEY_FILE: keyFile } = env;
  const files = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  const wanted = env.ADCTL_NATS_TLS || servers.some((server) => server.startsWith('tls://'));
  return wanted || Object.keys(files).length > 0 ? files : undefined;
}
