/** Time as a parameter: production passes `systemClock`, tests a clock they move by hand. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /**
   * Calls back once, `delayMs` from now (0 or less: as soon as possible), never before this function returned.
   * @returns a function that cancels; calling it late or twice is harmless.
   */
  after(delayMs: number, callback: () => void): () => void;
}

/** The longest delay a Node timer takes; longer ones would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. Its timers keep no process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
