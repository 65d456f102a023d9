import type { AdctlError } from '@adctl/protocol';

/** What the files of this folder speak to a server: core NATS, in our words. `client.ts` is the one implementation. */

/** Who we are. Secrets come from files, never from arguments or URLs. */
export type NatsCredentials =
  | { readonly nkeySeedFile: string }
  | { readonly credsFile: string }
  | { readonly user: string; readonly passwordFile: string };

/** PEM files. An empty object asks for TLS with the machine's own authorities. */
export interface NatsTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface ClientOptions {
  readonly servers: readonly string[];
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly inboxPrefix: string;
  readonly credentials?: NatsCredentials;
  readonly tls?: NatsTls;
  /** How long the first connect is tried when no server answers; 0: once. */
  readonly firstConnectMs: number;
  readonly reconnectWaitMs: number;
  /** Told of what nobody waits for: lost connections, refused publishes. */
  readonly report: (problem: AdctlError) => void;
}

export interface NatsMessage {
  readonly subject: string;
  readonly text: string;
  readonly reply: string | undefined;
  /** NATS status (100 heartbeat, 404, 408, 409, 503) of a message without content, else undefined. */
  readonly status: number | undefined;
  header(name: string): string | undefined;
}

export interface NatsSubscription {
  /** Unsubscribes; resolves when the server knows and everything it sent before has been handled. */
  drain(): Promise<void>;
}

export type NatsHeaders = Readonly<Record<string, string>>;

export interface NatsClient {
  /** Version of the server we are connected to, e.g. `2.9.10`. */
  serverVersion(): string;
  hasJetStream(): boolean;
  /** @throws AdctlError transient `nats_timeout`, `nats_no_responders`, `nats_disconnected`; permanent `nats_permission_denied`, `message_too_large`. */
  request(subject: string, text: string, options: { timeoutMs: number; headers?: NatsHeaders }): Promise<NatsMessage>;
  /** Hands over and forgets. Nothing is kept while disconnected: the message is dropped then. */
  publish(subject: string, text: string, options?: { readonly reply?: string }): void;
  /** @param listener called in order of arrival; `onDenied` when the server refuses the subscription. */
  subscribe(
    subject: string,
    listener: (message: NatsMessage) => void,
    onDenied?: (error: AdctlError) => void,
  ): NatsSubscription;
  /** A service of the services framework with one endpoint; whoever serves the same name shares the requests. */
  serve(service: {
    readonly name: string;
    readonly subject: string;
    readonly description: string;
    readonly answer: (
      request: NatsMessage,
    ) => Promise<{ text: string; headers?: NatsHeaders; failure?: { status: number; code: string } }>;
  }): Promise<() => Promise<void>>;
  /** Resolves when the server has seen everything sent before. */
  flush(): Promise<void>;
  newInbox(): string;
  onReconnect(listener: () => void): () => void;
  onDisconnect(listener: () => void): () => void;
  /** Hears of refused publishes, by subject. */
  onDenied(listener: (subject: string, error: AdctlError) => void): () => void;
  /** Aborted when the connection will not come back. */
  readonly closed: AbortSignal;
  close(): Promise<void>;
}
