import { AdctlError, type ErrorKind, Failure, fromFailure, toFailure, Version1 } from '@adctl/protocol';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import type { ControlChannel } from '../control-channel.js';
import { controllerUnreachable, verbAlreadyServed } from '../errors.js';
import { fromJson, toJson } from '../json.js';
import { assertFilter, assertSubject } from '../subject-filter.js';
import { KeptAnswers, toParts } from './answer-parts.js';
import type { NatsClient, NatsMessage } from './core-nats.js';
import type { NatsNames } from './names.js';

type Handler = (payload: unknown, caller: string) => Promise<unknown>;

const DEFAULT_TIMEOUT_MS = 30_000;
/** The server says at once that nobody listens; when it has not within this time, somebody does. */
const SILENT_MS = 250;
/** Set by the services framework on answers that are errors. */
const ERROR_CODE_HEADER = 'Nats-Service-Error-Code';
/** On the first part of an answer that has more: the token of the rest, and the number of parts. */
const PARTS_HEADER = 'Adctl-Answer-Parts';
const PARTS_VERB = 'answers.part';
const PartRequest = z.object({ version: Version1, token: z.string(), index: z.int().min(1) });
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
  readonly #kept: KeptAnswers;
  #stopParts: () => Promise<void> = async () => undefined;

  constructor(
    private readonly client: NatsClient,
    private readonly options: NatsControlChannelOptions,
  ) {
    this.#kept = new KeptAnswers(options.clock);
  }

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
    const rest = await orAborted(this.#fetchRest(answer, timeoutMs), signal);
    return fromJson(answer.text + rest);
  }

  /** The other parts of an answer that is too large for one message; empty for all others. */
  async #fetchRest(answer: NatsMessage, timeoutMs: number): Promise<string> {
    const header = answer.header(PARTS_HEADER);
    if (header === undefined) return '';
    const [token = '', count = ''] = header.split(' ');
    const subject = this.options.names.api(this.options.identity, PARTS_VERB);
    let rest = '';
    for (let index = 1; index < Number(count); index += 1) {
      const part = await this.#ask(subject, toJson({ version: 1, token, index }, 'a request'), {
        verb: PARTS_VERB,
        timeoutMs,
      });
      if (part.header(ERROR_CODE_HEADER) !== undefined) throw fromFailure(Failure.parse(fromJson(part.text)));
      rest += part.text;
    }
    return rest;
  }

  async serve(verb: string, handler: Handler): Promise<() => Promise<void>> {
    assertSubject(verb, 'verb');
    if (this.#served.has(verb)) throw verbAlreadyServed(verb);
    this.#served.add(verb);
    if (this.#served.size === 1) this.#stopParts = await this.#serveParts();
    const stop = await this.client.serve({
      name: `adctl-${verb.replaceAll('.', '-')}`,
      subject: this.options.names.api('*', verb),
      description: `adctl's controller: ${verb}`,
      answer: (request) => this.#answer(handler, request),
    });
    return async () => {
      this.#served.delete(verb);
      await stop();
      if (this.#served.size === 0) await this.#stopParts();
    };
  }

  #serveParts(): Promise<() => Promise<void>> {
    return this.client.serve({
      name: 'adctl-answers-part',
      subject: this.options.names.api('*', PARTS_VERB),
      description: "adctl's controller: the rest of a large answer",
      answer: async ({ text, subject }) => {
        try {
          const { token, index } = PartRequest.parse(fromJson(text));
          return { text: this.#kept.part(this.options.names.callerOf(subject), token, index) };
        } catch (error) {
          return toFailedAnswer(error);
        }
      },
    });
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

  async hasListeners(topic: string): Promise<boolean> {
    assertSubject(topic, 'topic');
    try {
      await this.client.request(this.options.names.live(topic), toJson(null, 'a message'), { timeoutMs: SILENT_MS });
      return true;
    } catch (error) {
      const code = error instanceof AdctlError ? error.code : '';
      if (code === 'nats_no_responders') return false;
      if (code === 'nats_timeout') return true; // the server has passed it on; listeners do not answer
      throw error;
    }
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
      const caller = this.options.names.callerOf(request.subject);
      const answer = await handler(fromJson(request.text), caller);
      const parts = toParts(toJson(answer ?? null, 'an answer'));
      const [text = ''] = parts;
      if (parts.length === 1) return { text };
      return { text, headers: { [PARTS_HEADER]: `${this.#kept.keep(caller, parts)} ${parts.length}` } };
    } catch (error) {
      return toFailedAnswer(error);
    }
  }
}

function toFailedAnswer(error: unknown) {
  const failure = toFailure(error);
  return { text: JSON.stringify(failure), failure: { status: STATUS_OF_KIND[failure.kind], code: failure.code } };
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
