import type { AdctlError } from '@adctl/protocol';
import { type Clock, systemClock } from '../clock.js';
import { ALWAYS_THERE, type Messaging } from '../deployment.js';
import { natsBadOptions } from '../errors.js';
import { connectClient } from './client.js';
import type { NatsClient, NatsCredentials, NatsTls } from './core-nats.js';
import { JetStream } from './jetstream.js';
import { createNames, type NatsNames } from './names.js';
import { NatsControlChannel } from './nats-control-channel.js';
import { NatsEventLog } from './nats-event-log.js';
import { NatsStateStore } from './nats-state-store.js';
import { NatsTrialQueue } from './nats-trial-queue.js';
import { type Prepared, prepareStreams } from './prepare.js';
import { assertServer } from './server-version.js';
import { DEFAULT_STREAM_SETTINGS, type StreamSettings } from './settings.js';

/** What a connection is for; the server's permissions are cut to it (`permissions.ts`). */
export const NATS_ROLES = ['controller', 'worker', 'cli'] as const;
export type NatsRole = (typeof NATS_ROLES)[number];

export interface NatsOptions {
  /** `host:port`, `nats://…` or `tls://…`; without user or password. */
  readonly servers: readonly string[];
  readonly role: NatsRole;
  /**
   * The name the server's permissions know this connection by, one token: the worker's id, the person's user name (the
   * owner of what they submit), the controller's name.
   */
  readonly identity: string;
  readonly credentials?: NatsCredentials;
  readonly tls?: NatsTls;
  /** Where answers come to. Default `_INBOX_<identity>`: with a shared prefix permissions would protect no answers. */
  readonly inboxPrefix?: string;
  /** Default `ad`. Deployments that share a server have one each. */
  readonly namespace?: string;
  /** Settings of streams and consumers that this connection makes (role controller). */
  readonly settings?: Partial<StreamSettings>;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** How long a call tries again through outages before it throws `controller_unreachable`. Default 30 s. */
  readonly patienceMs?: number;
  /** Default 1 s. */
  readonly reconnectWaitMs?: number;
  /** How long the first connect is tried when no server answers. Default: a minute; role `cli`: once. */
  readonly firstConnectMs?: number;
  /** Hears of what no caller waits for (lost connections, refused publishes), for the log. */
  readonly report?: (problem: AdctlError) => void;
}

/** Long enough for a server that starts at the same time, short enough to be told of a wrong address. */
const FIRST_CONNECT_MS = 60_000;

interface Connection {
  readonly client: NatsClient;
  readonly jetstream: JetStream;
  readonly names: NatsNames;
  readonly settings: StreamSettings;
  readonly clock: Clock;
}

/**
 * Connects to a deployment whose streams exist (`prepareNats`). Reconnects for ever; `closed` is aborted only when the
 * server refuses us for good or after `close`.
 *
 * @throws AdctlError transient `controller_unreachable`; user `nats_auth_refused`, `nats_bad_options`; permanent
 *   `nats_server_too_old`, `nats_without_jetstream`.
 */
export async function connectNats(options: NatsOptions): Promise<Messaging> {
  const { client, jetstream, names, settings, clock } = await open(options);
  const report = options.report ?? (() => undefined);
  let contact = ALWAYS_THERE;
  client.onDisconnect(() => {
    contact = { isThere: false, sinceMs: clock.now() };
  });
  client.onReconnect(() => {
    contact = { isThere: true, sinceMs: clock.now() };
  });
  return {
    queue: new NatsTrialQueue(jetstream, { names, settings, mayPrepare: options.role === 'controller' }),
    events: new NatsEventLog(jetstream, names),
    state: new NatsStateStore(jetstream, names),
    control: new NatsControlChannel(client, { names, clock, identity: options.identity, report }),
    contact: () => contact,
    closed: client.closed,
    close: () => client.close(),
  };
}

/**
 * Makes or updates streams, buckets and the consumers of the given classes: the controller does it when it starts, before
 * it or any worker uses them. Harmless when repeated.
 *
 * @throws AdctlError like `connectNats`; `nats_api_error` like `prepareStreams`.
 */
export async function prepareNats(
  options: NatsOptions & { readonly classes: readonly string[] },
): Promise<Prepared & { readonly serverVersion: string }> {
  const { client, jetstream, names, settings } = await open(options);
  try {
    const prepared = await prepareStreams(jetstream, { names, settings, classes: options.classes });
    return { ...prepared, serverVersion: client.serverVersion() };
  } finally {
    await client.close();
  }
}

/** What a server says of itself to whoever connects. */
export interface NatsInspection {
  readonly serverVersion: string;
  readonly jetStream: boolean;
}

/** Looks at the server without asking anything of it that needs permissions. @throws AdctlError like `connectNats`. */
export async function inspectNats(options: NatsOptions): Promise<NatsInspection> {
  const client = await connectClientOf(options);
  try {
    return { serverVersion: client.serverVersion(), jetStream: client.hasJetStream() };
  } finally {
    await client.close();
  }
}

async function open(options: NatsOptions): Promise<Connection> {
  const { clock = systemClock, patienceMs = 30_000 } = options;
  const names = createNames(options.namespace);
  const client = await connectClientOf(options);
  try {
    assertServer(client);
  } catch (error) {
    await client.close();
    throw error;
  }
  const settings = { ...DEFAULT_STREAM_SETTINGS, ...options.settings };
  return { client, jetstream: new JetStream(client, { clock, patienceMs }), names, settings, clock };
}

async function connectClientOf(options: NatsOptions): Promise<NatsClient> {
  const { identity, inboxPrefix = `_INBOX_${identity}` } = options;
  assertOptions(options, inboxPrefix);
  return connectClient({
    servers: options.servers,
    name: `adctl ${options.role} ${identity}`,
    inboxPrefix,
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    firstConnectMs: options.firstConnectMs ?? (options.role === 'cli' ? 0 : FIRST_CONNECT_MS),
    reconnectWaitMs: options.reconnectWaitMs ?? 1_000,
    report: options.report ?? (() => undefined),
  });
}

function assertOptions({ servers, identity }: NatsOptions, inboxPrefix: string): void {
  if (!/^[A-Za-z0-9_-]+$/.test(identity)) {
    throw natsBadOptions(
      `${JSON.stringify(identity)} is no name for a NATS connection`,
      'Use letters, digits, dashes and underscores.',
    );
  }
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(inboxPrefix)) {
    throw natsBadOptions(`${JSON.stringify(inboxPrefix)} is no inbox prefix`, 'Use tokens joined by dots.');
  }
  if (servers.length === 0) throw natsBadOptions('no NATS server is given', 'Name one, e.g. nats://127.0.0.1:4222.');
  if (servers.some((server) => server.includes('@'))) {
    throw natsBadOptions(
      'a NATS server address must not hold a user or password',
      'Put them into a credentials file that only you may read.',
    );
  }
}
