import type { StateChange, StateEntry } from '../state-store.js';
import { ChangeSignal } from './change-signal.js';

/**
 * One `watch`: what changed since its reader last looked, the newest change of each key only, oldest first. So a reader
 * that is slow costs at most one change a key, and never misses the last one.
 */
export class StateWatcher {
  readonly #prefix: string;
  readonly #wake = new ChangeSignal();
  #changes = new Map<string, StateChange>();
  /** Changes up to here were in the snapshot the watch began with. */
  #seenRevision = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  offer(change: StateChange): void {
    if (change.revision <= this.#seenRevision || !isBelow(this.#prefix, change.key)) return;
    this.#changes.delete(change.key); // so that the newer change goes to the end
    this.#changes.set(change.key, change);
    this.#wake.notify();
  }

  fail(reason: unknown): void {
    this.#wake.fail(reason);
  }

  /** Yields the snapshot, `ready`, then changes as they are offered, until the signal is aborted. */
  async *run(
    snapshot: { readonly entries: readonly StateEntry[]; readonly revision: number },
    signal: AbortSignal,
  ): AsyncGenerator<StateChange | 'ready'> {
    this.#seenRevision = snapshot.revision;
    for (const entry of snapshot.entries) {
      if (signal.aborted) return;
      yield entry;
    }
    yield 'ready';
    while (!signal.aborted) {
      if (this.#changes.size === 0) await this.#wake.wait(signal);
      const changes = this.#changes;
      this.#changes = new Map();
      for (const change of changes.values()) {
        if (signal.aborted) return;
        yield change;
      }
    }
  }
}

/** Whether a key equals the prefix or lies below it. */
export const isBelow = (prefix: string, key: string): boolean =>
  prefix === '' || key === prefix || key.startsWith(`${prefix}.`);
