import type { Clock } from '../clock.js';

/** What arrives by callback, taken one by one. */
export class Mailbox<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** Everything that has come and was not taken. */
  rest(): T[] {
    return this.#items.splice(0);
  }

  /** @returns the oldest item; undefined when none came within `waitMs` or the signal was aborted first. */
  async take(clock: Clock, waitMs: number, signal: AbortSignal): Promise<T | undefined> {
    if (this.#items.length === 0 && waitMs > 0 && !signal.aborted) await this.#arrival(clock, waitMs, signal);
    return this.#items.shift();
  }

  #arrival(clock: Clock, waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const cancel = clock.after(waitMs, done);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }
}

/** Resolves after `delayMs`, or at once when the signal is aborted. */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  await new Mailbox<never>().take(clock, delayMs, signal);
}
