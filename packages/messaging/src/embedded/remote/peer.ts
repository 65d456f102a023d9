import type { Socket } from 'node:net';
import { AdctlError, fromFailure, toFailure } from '@adctl/protocol';
import { controllerUnreachable } from '../../errors.js';
import { encodeFrame, encodeItems, type Frame, FrameReader, PROTOCOL_VERSION } from './frames.js';
import { Inflow, Outflow } from './item-flow.js';

/** What the near side answers. Inputs are as they came; the service parses them. */
export interface Service {
  call(method: string, input: unknown, signal: AbortSignal): Promise<unknown>;
  stream(method: string, input: unknown, signal: AbortSignal): AsyncIterable<unknown>;
}

interface PendingCall {
  readonly resolve: (output: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** How long the last frames may take to leave after the conversation's end. */
const LINGER_MS = 500;

/** Unsent bytes at which a far side that does not read is given up, as a NATS server does. */
const SLOW_READER_BYTES = 64 * 1024 * 1024;

/**
 * One end of a conversation on a socket; both ends are alike. Calls, streams and cancellation in both directions,
 * answered in any order.
 */
export class Peer {
  readonly #socket: Socket;
  readonly #service: Service;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, PendingCall>();
  readonly #inflows = new Map<number, Inflow>();
  readonly #answering = new Map<number, { readonly cancel: AbortController; readonly outflow: Outflow | null }>();
  readonly #closed = new AbortController();
  readonly #greeted = Promise.withResolvers<void>();
  #nextId = 1;
  #corked = false;

  constructor(socket: Socket, service: Service) {
    this.#socket = socket;
    this.#service = service;
    this.#greeted.promise.catch(() => undefined); // also reported through `closed`
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.close(controllerUnreachable('the connection broke', error)));
    socket.on('close', () => this.close(controllerUnreachable('the connection ended')));
    this.#send({ type: 'hello', service: 'adctl', version: PROTOCOL_VERSION, pid: process.pid });
  }

  /** Aborted when the conversation is over. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Resolves when the far side said hello in our version. */
  get greeted(): Promise<void> {
    return this.#greeted.promise;
  }

  /**
   * Asks the far side.
   * @param options.onAbort what an aborted signal does beside telling the far side: `reject` at once (default), or `wait` for its answer.
   * @throws AdctlError the far side's error, rebuilt; transient `controller_unreachable` when the conversation ends first.
   */
  async call(
    method: string,
    input: unknown,
    options: { readonly signal?: AbortSignal | undefined; readonly onAbort?: 'reject' | 'wait' } = {},
  ): Promise<unknown> {
    this.#closed.signal.throwIfAborted();
    const { signal, onAbort = 'reject' } = options;
    signal?.throwIfAborted();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const cancel = () => {
      this.#send({ type: 'cancel', id });
      if (onAbort === 'reject') reject(signal?.reason);
    };
    this.#calls.set(id, { resolve, reject });
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      this.#send({ type: 'call', id, method, input });
      return await promise;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#calls.delete(id);
    }
  }

  /** Opens a stream of the far side; ending the iteration, or the signal, cancels it there. */
  async *stream(method: string, input: unknown, signal?: AbortSignal): AsyncGenerator<unknown> {
    this.#closed.signal.throwIfAborted();
    if (signal?.aborted) return;
    const id = this.#nextId++;
    const inflow = new Inflow(() => this.#send({ type: 'more', id }));
    const stop = () => inflow.end();
    this.#inflows.set(id, inflow);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      this.#send({ type: 'open', id, method, input });
      yield* inflow.items();
    } finally {
      signal?.removeEventListener('abort', stop);
      if (this.#inflows.delete(id)) this.#send({ type: 'cancel', id });
    }
  }

  /** Ends the conversation: everything pending on this side fails with the reason, everything it answers is aborted. */
  close(reason: AdctlError): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(reason);
    this.#greeted.reject(reason);
    for (const call of this.#calls.values()) call.reject(reason);
    for (const inflow of this.#inflows.values()) inflow.fail(reason);
    this.#inflows.clear();
    for (const { cancel, outflow } of this.#answering.values()) {
      cancel.abort(reason);
      outflow?.more();
    }
    // A far side that has stopped reading would hold the socket, and with it the server's end, for ever.
    const giveUp = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(giveUp));
    this.#socket.destroySoon();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch (error) {
      if (!(error instanceof AdctlError)) throw error;
      this.close(controllerUnreachable('the two sides do not understand each other', error));
    }
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case 'hello':
        if (frame.version === PROTOCOL_VERSION) this.#greeted.resolve();
        else this.close(versionMismatch(frame.version));
        break;
      case 'call':
        void this.#answerCall(frame.id, frame.method, frame.input);
        break;
      case 'open':
        void this.#answerStream(frame.id, frame.method, frame.input);
        break;
      case 'more':
        this.#answering.get(frame.id)?.outflow?.more();
        break;
      case 'cancel':
        this.#answering.get(frame.id)?.cancel.abort();
        break;
      case 'result':
        this.#calls.get(frame.id)?.resolve(frame.output);
        break;
      case 'items':
        this.#inflows.get(frame.id)?.push(frame.items);
        break;
      case 'end':
        this.#inflows.get(frame.id)?.end();
        this.#inflows.delete(frame.id);
        break;
      case 'failure':
        this.#calls.get(frame.id)?.reject(fromFailure(frame.failure));
        this.#inflows.get(frame.id)?.fail(fromFailure(frame.failure));
        this.#inflows.delete(frame.id);
        break;
    }
  }

  async #answerCall(id: number, method: string, input: unknown): Promise<void> {
    const cancel = new AbortController();
    this.#answering.set(id, { cancel, outflow: null });
    try {
      const output = await this.#service.call(method, input, cancel.signal);
      this.#send({ type: 'result', id, output: output ?? null });
    } catch (error) {
      this.#send({ type: 'failure', id, failure: toFailure(error) });
    } finally {
      this.#answering.delete(id);
    }
  }

  async #answerStream(id: number, method: string, input: unknown): Promise<void> {
    const cancel = new AbortController();
    const outflow = new Outflow((items) => this.#write(encodeItems(id, items)));
    this.#answering.set(id, { cancel, outflow });
    // A stream that waits for `more` must notice that nobody will send one.
    cancel.signal.addEventListener('abort', () => outflow.more(), { once: true });
    try {
      for await (const item of this.#service.stream(method, input, cancel.signal)) {
        if (cancel.signal.aborted) break;
        await outflow.offer(JSON.stringify(item));
      }
      await outflow.drained(cancel.signal);
      this.#send({ type: 'end', id });
    } catch (error) {
      this.#send({ type: 'failure', id, failure: toFailure(error) });
    } finally {
      this.#answering.delete(id);
    }
  }

  #send(frame: Frame): void {
    if (!this.#closed.signal.aborted) this.#write(encodeFrame(frame));
  }

  /** Frames of one turn leave together. */
  #write(bytes: Buffer): void {
    if (this.#closed.signal.aborted) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      queueMicrotask(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
    if (this.#socket.writableLength > SLOW_READER_BYTES) {
      this.close(controllerUnreachable('the other side stopped reading'));
    }
  }
}

/** The reason of a conversation between different versions of adctl. */
function versionMismatch(theirs: number): AdctlError {
  return new AdctlError(
    `the other side speaks version ${theirs} of the socket protocol, this one ${PROTOCOL_VERSION}`,
    {
      code: 'version_mismatch',
      kind: 'user',
      hint: 'Stop the running controller and start it with the adctl you use here.',
    },
  );
}
