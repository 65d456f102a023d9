/** Starts in a row that may fail before the first sign of life. */
export const FAILURES_TO_OPEN = 3;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 30 * 60_000;

/** What the circuit breaker of a pool remembers. */
export interface Circuit {
  /** Failed starts since the last worker that came up. */
  readonly failures: number;
  /** Pauses since then. */
  readonly openings: number;
  /** Workers are made again from here on, in ms since 1970; null while the circuit is closed. */
  readonly openUntilMs: number | null;
  /** How the last failed start ended. */
  readonly lastFailure: string;
}

/** How the start of one worker went, and when that was known, in ms since 1970. */
export type Start = { readonly atMs: number } & ({ readonly up: true } | { readonly up: false; readonly why: string });

export const CLOSED: Circuit = { failures: 0, openings: 0, openUntilMs: null, lastFailure: '' };

/**
 * Notes how a start went: a worker that comes up closes the circuit. After `FAILURES_TO_OPEN` failures in a row it opens, and
 * again with the trial start after each pause, for a pause that doubles from one minute to half an hour. Workers that were on
 * their way when it opened do not lengthen the pause. Pure.
 */
export function noteStart(circuit: Circuit, start: Start): Circuit {
  if (start.up) return CLOSED;
  const { openings, openUntilMs } = circuit;
  const failures = circuit.failures + 1;
  const pausing = openUntilMs !== null && start.atMs < openUntilMs;
  if (pausing || failures < FAILURES_TO_OPEN) return { ...circuit, failures, lastFailure: start.why };
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** openings, LONGEST_PAUSE_MS);
  return { failures, openings: openings + 1, openUntilMs: start.atMs + pauseMs, lastFailure: start.why };
}

/**
 * Workers that may be on their way at once: none during a pause, a single one as a trial after it, any number while closed.
 */
export function startsAllowed(circuit: Circuit, nowMs: number): number {
  if (circuit.openUntilMs === null) return Number.POSITIVE_INFINITY;
  return nowMs < circuit.openUntilMs ? 0 : 1;
}
