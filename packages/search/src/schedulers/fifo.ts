import type { Scheduler } from './scheduler.js';

/** Lets every trial run to its end, first come first served. It has nothing to remember. */
export function createFifoScheduler(): Scheduler {
  return {
    name: 'fifo',
    decide: () => ({ action: 'continue' }),
    state: () => null,
    restore: () => undefined,
  };
}
