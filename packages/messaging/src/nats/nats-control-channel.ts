import { AdctlError, type ErrorKind, Failure, fromFailure, toFailure } from '@adctl/protocol';
import type { Clock } from '../clock.js';
import type { ControlChannel } from '../control-channel.js';
import { controllerUnreachable, verbAlreadyServed } from '../errors.js';
import { fromJson, toJson } from '../json.js';
import { assertFilter, assertSubject } from '../subject-filter.js';
import type { NatsClient, NatsMessage } from './client.js';
import type { NatsNames } from './names.js';

type Handler = (payload: unknown, caller: string) => Promise<unknown>;

const DEFAULT_TIMEOUT_MS = 30_000;
/** Set by the services framework on answers that are errors. */
const ERROR_CODE_HEADER = 'Nats-Service-Error-Code';
/** Status of an error answer, as the services framework counts them in its statistics. */
const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = { user: 400, transient: 503, permanent: 409, bug: 500 };

export interface NatsControlChannelOptions {
  readonly names: NatsNames;
  readonly clock: Clock;
  /** Who asks; the server's permissions let each user ask under its own name only. */
  readonly identity: string;
  /** Told of listeners' problems. */
  readonly report: (problem: AdctlError) => void;
}

/** Requests as services of the NATS services framework, fan-out as plain publishes. */
export class NatsControlChannel implements ControlChannel {
  readonly #served = new Set<string>();

  constructor(
    private readonly client: NatsClient,
    private readonly options: NatsControlChannelOptions,
  ) {}

  async request(
    verb: string,
    payload: unknown,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<unknown> {
    assertSubject(verb, 'verb');
    const text = toJson(payload ?? null, 'a request');
    signal?.throwIfAborted();
    const subject = this.options.names.api(this.options.identity, verb);
    const answer = await orAborted(this.#ask(subject, text, { verb, timeoutMs }), signal);
    if (answer.header(ERROR_CODE_HEADER) !== undefined) throw fromFailure(Failure.parse(fromJson(answer.text)));
    return fromJson(answer.text);
  }

  async serve(verb: string, handler: Handler): Promise<() => Promise<void>> {
    assertSubject(verb, 'verb');
    if (this.#served.has(verb)) throw verbAlreadyServed(verb);
    this.#served.add(verb);
    const stop = await this.client.serve({
      name: `adctl-${verb.replaceAll('.', '-')}`,
      subject: this.options.names.api('*', verb),
      description: `adctl's controller: ${verb}`,
      answer: (request) => this.#answer(handler, request),
    });
    return async () => {
      this.#served.delete(verb);
      await stop();
    };
  }

  async publish(topic: string, payload: unknown): Promise<void> {
    assertSubject(topic, 'topic');
    this.client.publish(this.options.names.live(topic), toJson(payload ?? null, 'a message'));
  }

  async subscribe(filter: string, listener: (topic: string, payload: unknown) => void): Promise<() => Promise<void>> {
    assertFilter(filter);
    const { names, report } = this.options;
    let denied: AdctlError | undefined;
    const subscription = this.client.subscribe(
      names.live(filter),
      ({ subject, text }) => {
        // In a turn of its own: a listener that throws is an uncaught bug of its own, not the connection's.
        queueMicrotask(() => listener(names.fromLive(subject), fromJson(text)));
      },
      (error) => {
        denied = error;
        report(error);
      },
    );
    await this.client.flush();
    if (denied !== undefined) throw denied;
    return () => subscription.drain();
  }

  async #ask(
    subject: string,
    text: string,
    { verb, timeoutMs }: { readonly verb: string; readonly timeoutMs: number },
  ): Promise<NatsMessage> {
    try {
      return await this.client.request(subject, text, { timeoutMs });
    } catch (error) {
      const code = error instanceof AdctlError ? error.code : '';
      if (code === 'nats_no_responders') throw controllerUnreachable(`nobody answers ${verb}`, error);
      if (code === 'nats_timeout') throw controllerUnreachable(`no answer to ${verb} within ${timeoutMs} ms`, error);
      if (code === 'nats_disconnected') throw controllerUnreachable('the connection to NATS was lost', error);
      throw error;
    }
  }

  async #answer(handler: Handler, request: NatsMessage) {
    try {
      const answer = await handler(fromJson(request.text), this.options.names.callerOf(request.subject));
      return { text: toJson(answer ?? null, 'an answer') };
    } catch (error) {
      const failure = toFailure(error);
      return { text: JSON.stringify(failure), failure: { status: STATUS_OF_KIND[failure.kind], code: failure.code } };
    }
  }
}

/** The answer, unless the asker gives up first. */
async function orAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([answer, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
