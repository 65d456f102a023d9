import type { Clock } from '../clock.js';

export interface WaiterOptions {
  readonly clock: Clock;
  readonly waitMs: number;
  readonly signal?: AbortSignal;
  readonly onSettled: () => void;
}

/** Somebody waiting for one value: settled once, by a value, by null when the time passed or the signal was aborted, or by an error. */
export class Waiter<T> {
  readonly waitMs: number;
  readonly promise: Promise<T | null>;
  readonly #settle: { resolve: (value: T | null) => void; reject: (reason: unknown) => void };
  readonly #release: () => void;
  #settled = false;

  constructor({ clock, waitMs, signal, onSettled }: WaiterOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<T | null>();
    this.waitMs = waitMs;
    this.promise = promise;
    this.#settle = { resolve, reject };
    const giveUp = () => this.succeed(null);
    // Without time to wait the queue itself answers null after one look.
    const cancelTimer = waitMs > 0 ? clock.after(waitMs, giveUp) : () => undefined;
    signal?.addEventListener('abort', giveUp, { once: true });
    this.#release = () => {
      cancelTimer();
      signal?.removeEventListener('abort', giveUp);
      onSettled();
    };
  }

  /** @returns false when it was settled before. */
  succeed(value: T | null): boolean {
    if (!this.#end()) return false;
    this.#settle.resolve(value);
    return true;
  }

  fail(reason: unknown): void {
    if (this.#end()) this.#settle.reject(reason);
  }

  #end(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#release();
    return true;
  }
}
