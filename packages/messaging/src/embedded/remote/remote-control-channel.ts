import { AdctlError } from '@adctl/protocol';
import type { Clock } from '../../clock.js';
import type { ControlChannel } from '../../control-channel.js';
import { controllerUnreachable, verbAlreadyServed } from '../../errors.js';
import { toJson } from '../../json.js';
import { CALLS } from './operations.js';
import type { Peer, Service } from './peer.js';
import { ask, askStream } from './typed-calls.js';

type Handler = (payload: unknown, caller: string) => Promise<unknown>;

const DEFAULT_TIMEOUT_MS = 30_000;

/** The control channel of a controller in another process; what this side serves is asked back over the same socket. */
export class RemoteControlChannel implements ControlChannel {
  readonly #handlers = new Map<string, Handler>();
  #peer: Peer | null = null;

  constructor(private readonly clock: Clock) {}

  /** What the controller may ask of this side. */
  readonly service: Service = {
    call: async (method, input) => {
      if (method !== 'control.answer') throw unexpected(method);
      const { verb, payload, caller } = CALLS['control.answer'].input.parse(input);
      const handler = this.#handlers.get(verb);
      if (handler === undefined) throw controllerUnreachable(`nobody answers ${verb}`);
      return (await handler(payload, caller)) ?? null;
    },
    stream: (method) => {
      throw unexpected(method);
    },
  };

  attach(peer: Peer): void {
    this.#peer = peer;
  }

  async request(
    verb: string,
    payload: unknown,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    toJson(payload ?? null, 'a request');
    options.signal?.throwIfAborted();
    // Timed on this side as well: a controller that hangs can't tell that the time is over.
    const late = new AbortController();
    const cancelTimer = this.clock.after(timeoutMs, () =>
      late.abort(controllerUnreachable(`no answer to ${verb} within ${timeoutMs} ms`)),
    );
    const signal = options.signal === undefined ? late.signal : AbortSignal.any([options.signal, late.signal]);
    try {
      return await ask(this.#connection, 'control.request', { verb, payload: payload ?? null, timeoutMs }, { signal });
    } finally {
      cancelTimer();
    }
  }

  async serve(verb: string, handler: Handler): Promise<() => Promise<void>> {
    if (this.#handlers.has(verb)) throw verbAlreadyServed(verb);
    // Before the controller knows of it: the first request may come right behind the answer.
    this.#handlers.set(verb, handler);
    try {
      await ask(this.#connection, 'control.serve', { verb });
    } catch (error) {
      this.#handlers.delete(verb);
      throw error;
    }
    return async () => {
      this.#handlers.delete(verb);
      if (!this.#connection.closed.aborted) await ask(this.#connection, 'control.unserve', { verb });
    };
  }

  async publish(topic: string, payload: unknown): Promise<void> {
    toJson(payload ?? null, 'a message');
    await ask(this.#connection, 'control.publish', { topic, payload: payload ?? null });
  }

  async subscribe(filter: string, handler: (topic: string, payload: unknown) => void): Promise<() => Promise<void>> {
    const stop = new AbortController();
    const stream = askStream(this.#connection, 'control.subscribe', { filter }, stop.signal);
    await stream.next(); // the mark that it is in force
    const listening = this.#deliver(stream, handler);
    return async () => {
      stop.abort();
      await listening;
    };
  }

  hasListeners(topic: string): Promise<boolean> {
    return ask(this.#connection, 'control.hasListeners', { topic });
  }

  async #deliver(
    stream: ReturnType<typeof askStream<'control.subscribe'>>,
    handler: (topic: string, payload: unknown) => void,
  ): Promise<void> {
    try {
      for await (const message of stream) {
        // In a turn of its own, as in the controller's process: what a handler throws is its own uncaught bug.
        if (message !== 'ready') queueMicrotask(() => handler(message.topic, message.payload));
      }
    } catch (error) {
      // The end of the connection ends the subscription; `closed` tells everybody who needs to know.
      if (!this.#connection.closed.aborted) throw error;
    }
  }

  get #connection(): Peer {
    if (this.#peer === null) throw new Error('the control channel was used before it was connected');
    return this.#peer;
  }
}

const unexpected = (method: string) =>
  new AdctlError(`the controller asked this process for ${method}`, { code: 'bad_call', kind: 'permanent' });
