import { fromFailure, toFailure } from '@adctl/protocol';
import type { Clock } from '../clock.js';
import type { ControlChannel } from '../control-channel.js';
import { controllerUnreachable, verbAlreadyServed } from '../errors.js';
import { toJson } from '../json.js';
import { assertFilter, assertSubject, matchesFilter } from '../subject-filter.js';

type Handler = (payload: unknown, caller: string) => Promise<unknown>;
type Listener = (topic: string, payload: unknown) => void;

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Requests and fan-out inside one process. Payloads and errors go through their wire form all the same, so that nothing
 * works here that would fail over a socket or NATS.
 */
export class LocalControlChannel implements ControlChannel {
  readonly #handlers = new Map<string, Handler>();
  readonly #listeners = new Set<{ readonly filter: string; readonly listener: Listener }>();
  readonly #closed = new AbortController();

  constructor(private readonly options: { readonly clock: Clock; readonly caller: string }) {}

  async request(
    verb: string,
    payload: unknown,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<unknown> {
    assertSubject(verb, 'verb');
    const text = toJson(payload ?? null, 'a request');
    this.#closed.signal.throwIfAborted();
    const handler = this.#handlers.get(verb);
    if (handler === undefined) throw controllerUnreachable(`nobody answers ${verb}`);
    return this.#orGiveUp(verb, this.#answer(handler, text), options);
  }

  async serve(verb: string, handler: Handler): Promise<() => Promise<void>> {
    assertSubject(verb, 'verb');
    if (this.#handlers.has(verb)) throw verbAlreadyServed(verb);
    this.#handlers.set(verb, handler);
    return async () => {
      if (this.#handlers.get(verb) === handler) this.#handlers.delete(verb);
    };
  }

  async publish(topic: string, payload: unknown): Promise<void> {
    assertSubject(topic, 'topic');
    this.#closed.signal.throwIfAborted();
    const text = toJson(payload ?? null, 'a message');
    for (const { filter, listener } of this.#listeners) {
      // In a turn of its own: a listener that throws is an uncaught bug of its own, not the publisher's.
      if (matchesFilter(filter, topic)) queueMicrotask(() => listener(topic, JSON.parse(text)));
    }
  }

  async subscribe(filter: string, listener: Listener): Promise<() => Promise<void>> {
    assertFilter(filter);
    const entry = { filter, listener };
    this.#listeners.add(entry);
    return async () => {
      this.#listeners.delete(entry);
    };
  }

  async hasListeners(topic: string): Promise<boolean> {
    await this.publish(topic, null);
    return [...this.#listeners].some(({ filter }) => matchesFilter(filter, topic));
  }

  close(): void {
    this.#handlers.clear();
    this.#listeners.clear();
    this.#closed.abort(controllerUnreachable('it was closed'));
  }

  async #answer(handler: Handler, text: string): Promise<unknown> {
    try {
      const answer = await handler(JSON.parse(text), this.options.caller);
      return JSON.parse(toJson(answer ?? null, 'an answer'));
    } catch (error) {
      throw fromFailure(toFailure(error));
    }
  }

  /** The answer, unless the time passes, the asker gives up or the channel is closed first. */
  async #orGiveUp(
    verb: string,
    answer: Promise<unknown>,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<unknown> {
    const { promise, reject } = Promise.withResolvers<never>();
    const cancelTimer = this.options.clock.after(timeoutMs, () =>
      reject(controllerUnreachable(`no answer to ${verb} within ${timeoutMs} ms`)),
    );
    const ended = AbortSignal.any(signal === undefined ? [this.#closed.signal] : [this.#closed.signal, signal]);
    const onEnded = () => reject(ended.reason);
    ended.addEventListener('abort', onEnded, { once: true });
    try {
      ended.throwIfAborted();
      return await Promise.race([answer, promise]);
    } finally {
      cancelTimer();
      ended.removeEventListener('abort', onEnded);
    }
  }
}
