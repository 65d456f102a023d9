import { setTimeout as wait } from 'node:timers/promises';

/** Time for the retry loop; tests bring their own. */
export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** @throws the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
