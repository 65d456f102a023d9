import type { Clock } from '../clock.js';

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves time on and calls back, in order, whatever is due on the way. */
  advance(ms: number): void;
}

/** @param startMs milliseconds since 1970; default the start of 2026. */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let now = startMs;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const nextDue = (end: number) =>
    [...timers]
      .filter((timer) => timer.at <= end)
      .reduce<{ at: number; callback: () => void } | undefined>(
        (first, timer) => (first === undefined || timer.at < first.at ? timer : first),
        undefined,
      );
  return {
    now: () => now,
    after(delayMs, callback) {
      const timer = { at: now + Math.max(delayMs, 0), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (let timer = nextDue(end); timer !== undefined; timer = nextDue(end)) {
        now = timer.at;
        timers.delete(timer);
        timer.callback();
      }
      now = end;
    },
  };
}
