/** Wakes whoever waits for "something changed". One instance a log or watcher. */
export class ChangeSignal {
  #waiting = new Set<() => void>();
  #failure: unknown;

  /** Wakes all current waiters. */
  notify(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Wakes everybody, and makes this and all later waits reject. */
  fail(reason: unknown): void {
    this.#failure = reason;
    this.notify();
  }

  /** Resolves at the next `notify` or when the signal is aborted. Look for changes right before waiting, in the same turn. */
  async wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (this.#failure === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      signal.addEventListener('abort', resolve as () => void, { once: true });
      await promise;
      signal.removeEventListener('abort', resolve as () => void);
      this.#waiting.delete(resolve);
    }
    if (this.#failure !== undefined && !signal.aborted) throw this.#failure;
  }
}
