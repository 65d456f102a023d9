import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { AdctlError } from '@adctl/protocol';
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  headers as createHeaders,
  credsAuthenticator,
  Events,
  type Msg,
  type NatsConnection,
  NatsError,
  nkeyAuthenticator,
  type Service,
  type ServiceMsg,
  type Subscription,
  usernamePasswordAuthenticator,
} from 'nats';
import {
  messageTooLarge,
  natsAuthRefused,
  natsBadOptions,
  natsInterrupted,
  natsPermissionDenied,
  natsTlsRefused,
  natsUnreachable,
} from '../errors.js';
import type {
  ClientOptions,
  NatsClient,
  NatsCredentials,
  NatsHeaders,
  NatsMessage,
  NatsSubscription,
} from './core-nats.js';
import { Requests } from './requests.js';

/**
 * The only file that knows the NATS client library. Everything above it speaks core NATS through `NatsClient`: JetStream
 * is a set of subjects with JSON bodies, and the traps of the library's own JetStream layer stay outside.
 */

/**
 * Connects.
 * @throws AdctlError transient `controller_unreachable`; user `nats_auth_refused`, `nats_tls_refused`, `nats_bad_options`.
 */
export async function connectClient(options: ClientOptions): Promise<NatsClient> {
  const authenticator = await readCredentials(options.credentials);
  const settings: ConnectionOptions = {
    servers: [...options.servers],
    name: options.name,
    inboxPrefix: options.inboxPrefix,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(options.tls === undefined ? {} : { tls: { ...options.tls } }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: options.reconnectWaitMs,
    reconnectJitter: options.reconnectWaitMs / 5,
    reconnectJitterTLS: options.reconnectWaitMs / 2,
    // A server that hangs is left after 15 s: the rest of a call's patience is for the next one and for an election.
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 5_000,
  };
  // Not the library's own waiting: it would hide for ever what a person has to mend.
  for (const since = performance.now(); ; await delay(options.reconnectWaitMs)) {
    try {
      return new LibraryClient(await connect(settings), options);
    } catch (error) {
      const problem = fromConnect(error, options.servers);
      if (problem.kind !== 'transient' || performance.now() - since >= options.firstConnectMs) throw problem;
      options.report(problem);
    }
  }
}

class LibraryClient implements NatsClient {
  readonly #closed = new AbortController();
  readonly #reconnects = new Set<() => void>();
  readonly #disconnects = new Set<() => void>();
  readonly #denials = new Set<(subject: string, error: AdctlError) => void>();
  readonly #requests: Requests;
  /** How to end the library's waits that can't end any more once the connection is lost. */
  readonly #waiting = new Set<() => void>();
  #connected = true;

  constructor(
    private readonly connection: NatsConnection,
    private readonly options: ClientOptions,
  ) {
    this.#requests = this.#openRequests();
    void this.#watchStatus();
    void connection.closed().then((error) => {
      const reason =
        error instanceof Error ? fromConnect(error, options.servers) : natsUnreachable('the connection was closed');
      this.#lost(reason);
      this.#closed.abort(reason);
    });
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  serverVersion(): string {
    return this.connection.info?.version ?? '';
  }

  hasJetStream(): boolean {
    return this.connection.info?.jetstream === true;
  }

  async request(
    subject: string,
    text: string,
    { timeoutMs, headers }: { timeoutMs: number; headers?: NatsHeaders },
  ): Promise<NatsMessage> {
    this.#closed.signal.throwIfAborted();
    if (!this.#connected) throw natsInterrupted('nats_disconnected', `no connection to ask ${subject}`);
    try {
      return await this.#requests.ask(subject, text, { timeoutMs, headers });
    } catch (error) {
      throw fromLibrary(error, subject);
    }
  }

  publish(subject: string, text: string, options: { readonly reply?: string } = {}): void {
    this.#closed.signal.throwIfAborted();
    if (!this.#connected) return;
    try {
      this.connection.publish(subject, text, options);
    } catch (error) {
      throw fromLibrary(error, subject);
    }
  }

  subscribe(
    subject: string,
    listener: (message: NatsMessage) => void,
    onDenied?: (error: AdctlError) => void,
  ): NatsSubscription {
    this.#closed.signal.throwIfAborted();
    const subscription: Subscription = this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) listener(toMessage(message));
        else onDenied?.(fromLibrary(error, subject));
      },
    });
    return {
      drain: async () => {
        if (subscription.isClosed() || this.#closed.signal.aborted) return;
        if (this.#connected) await this.#unlessLost(subscription.drain());
        else subscription.unsubscribe();
      },
    };
  }

  async serve(service: Parameters<NatsClient['serve']>[0]): Promise<() => Promise<void>> {
    this.#closed.signal.throwIfAborted();
    const { name, subject, description } = service;
    const added: Service = await this.connection.services.add({ name, version: '1.0.0', description });
    added.addEndpoint('request', {
      subject,
      handler: (error, message) => {
        if (error === null) void this.#answer(service, message);
      },
    });
    await this.flush();
    return async () => {
      if (!this.#closed.signal.aborted) await this.#unlessLost(added.stop());
    };
  }

  async flush(): Promise<void> {
    this.#closed.signal.throwIfAborted();
    await this.#unlessLost(this.connection.flush());
  }

  newInbox(): string {
    return `${this.options.inboxPrefix}.${crypto.randomUUID().replaceAll('-', '')}`;
  }

  onReconnect(listener: () => void): () => void {
    this.#reconnects.add(listener);
    return () => this.#reconnects.delete(listener);
  }

  onDisconnect(listener: () => void): () => void {
    this.#disconnects.add(listener);
    return () => this.#disconnects.delete(listener);
  }

  onDenied(listener: (subject: string, error: AdctlError) => void): () => void {
    this.#denials.add(listener);
    return () => this.#denials.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    // First, so that nobody begins anything new; what is under way is still sent.
    this.#closed.abort(natsUnreachable('the connection was closed'));
    if (this.#connected) await this.#unlessLost(this.connection.drain());
    await this.connection.close();
  }

  async #answer(service: Parameters<NatsClient['serve']>[0], message: ServiceMsg): Promise<void> {
    const { text, headers, failure } = await service.answer(toMessage(message));
    try {
      if (failure === undefined) message.respond(text, headers === undefined ? {} : { headers: toHeaders(headers) });
      else message.respondError(failure.status, failure.code, new TextEncoder().encode(text));
    } catch (error) {
      this.options.report(fromLibrary(error, service.subject));
    }
  }

  /** Requests over this connection. */
  #openRequests(): Requests {
    const inbox = this.newInbox();
    const requests: Requests = new Requests(inbox, {
      publish: ({ subject, text, reply, headers }) =>
        this.connection.publish(subject, text, {
          reply,
          ...(headers === undefined ? {} : { headers: toHeaders(headers) }),
        }),
      listen: () => {
        this.connection.subscribe(`${inbox}.*`, {
          callback: (error, message) => {
            if (error === null) requests.answer(toMessage(message));
            else requests.refuse(fromLibrary(error, inbox));
          },
        });
      },
    });
    return requests;
  }

  /** Waits for work of the library, unless the connection is lost: then no answer would come. */
  async #unlessLost(work: Promise<unknown>): Promise<void> {
    const lost = Promise.withResolvers<void>();
    const give = () => lost.resolve();
    this.#waiting.add(give);
    if (!this.#connected) give();
    try {
      await Promise.race([work, lost.promise]);
    } finally {
      this.#waiting.delete(give);
    }
  }

  #lost(reason: AdctlError): void {
    this.#connected = false;
    this.#requests.failAll(reason);
    for (const giveUp of this.#waiting) giveUp();
    this.#waiting.clear();
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === Events.Disconnect) {
        const lost = natsInterrupted('nats_disconnected', `the connection to NATS (${status.data}) was lost`);
        // Every failed try to come back says so again.
        if (this.#connected) for (const listener of this.#disconnects) listener();
        this.#lost(lost);
        this.options.report(lost);
      } else if (status.type === Events.Reconnect) {
        this.#connected = true;
        for (const listener of this.#reconnects) listener();
      } else if (status.type === Events.Error) {
        const context = status.permissionContext;
        if (context === undefined) {
          this.options.report(natsInterrupted('nats_disconnected', `NATS reports: ${status.data}`));
          continue;
        }
        const denied = natsPermissionDenied(context.operation, context.subject);
        this.options.report(denied);
        if (context.operation === 'publish') this.#requests.failSubject(context.subject, denied);
        for (const listener of this.#denials) listener(context.subject, denied);
      }
    }
  }
}

async function readCredentials(credentials: NatsCredentials | undefined): Promise<Authenticator | undefined> {
  if (credentials === undefined) return undefined;
  if ('nkeySeedFile' in credentials) {
    return nkeyAuthenticator(new TextEncoder().encode(await readSecret(credentials.nkeySeedFile)));
  }
  if ('credsFile' in credentials) {
    // The library finds no seed in a file that ends with its last rule, without a line end after it.
    return credsAuthenticator(new TextEncoder().encode(`${await readSecret(credentials.credsFile)}\n`));
  }
  return usernamePasswordAuthenticator(credentials.user, await readSecret(credentials.passwordFile));
}

async function readSecret(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw natsBadOptions(`the credentials file ${file} cannot be read`, 'Name a file that this user may read.', error);
  }
}

function toHeaders(values: NatsHeaders) {
  const made = createHeaders();
  for (const [name, value] of Object.entries(values)) made.set(name, value);
  return made;
}

function toMessage(message: Msg | ServiceMsg): NatsMessage {
  const code = message.headers?.code ?? 0;
  return {
    subject: message.subject,
    text: message.string(),
    reply: message.reply,
    status: code === 0 ? undefined : code,
    header: (name) => {
      const value = message.headers?.get(name) ?? '';
      return value === '' ? undefined : value;
    },
  };
}

/** What the library throws when there is no connection. */
const DISCONNECTED: ReadonlySet<string> = new Set(['DISCONNECT', 'CONNECTION_DRAINING', 'CONNECTION_CLOSED']);

function fromLibrary(error: unknown, subject: string): AdctlError {
  if (error instanceof AdctlError) return error;
  if (!(error instanceof NatsError)) return natsUnreachable(String(error), error);
  const { permissionContext } = error;
  if (permissionContext !== undefined) {
    return natsPermissionDenied(permissionContext.operation, permissionContext.subject, error);
  }
  if (error.code === 'MAX_PAYLOAD_EXCEEDED') return messageTooLarge(subject, error);
  if (DISCONNECTED.has(error.code)) return natsInterrupted('nats_disconnected', `${subject}: ${error.message}`);
  return natsUnreachable(error.message, error);
}

function fromConnect(error: unknown, servers: readonly string[]): AdctlError {
  if (error instanceof AdctlError) return error;
  const code = error instanceof NatsError ? error.code : '';
  if (['AUTHORIZATION_VIOLATION', 'AUTHENTICATION_EXPIRED', 'BAD_AUTHENTICATION', 'BAD_CREDS'].includes(code)) {
    return natsAuthRefused(error);
  }
  const why = error instanceof Error ? error.message : String(error);
  const tlsCode = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^(TLS|SERVER_OPT_NA)$|CERT|VERIFY/.test(tlsCode)) {
    return natsTlsRefused(tlsCode === 'SERVER_OPT_NA' ? 'the server offers no TLS' : why, error);
  }
  return natsUnreachable(`${servers.join(', ')}: ${why}`, error);
}
