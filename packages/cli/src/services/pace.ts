import { setTimeout as delay } from 'node:timers/promises';
import type { Pace } from './follow-sweep.js';

/** The machine's own time. */
export const REAL_PACE: Pace = {
  now: () => performance.now() / 1000,
  async wait(milliseconds, signal) {
    await delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  },
};
