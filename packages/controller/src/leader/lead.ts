import { AdctlError } from '@adctl/protocol';
import { awaitLeadership, type ElectionOptions } from './election.js';
import type { Leadership } from './leadership.js';

/** What runs while this process leads. */
export interface Leading {
  /** Aborted when it cannot go on, with the error as reason. */
  readonly stopped: AbortSignal;
  close(): Promise<void>;
}

export type Role = 'standby' | 'leader';

export interface LeadOptions extends ElectionOptions {
  /**
   * Starts what only the leader does. Its writes must go through `guardWrites`, which `startController` sees to. It ends soon,
   * with the reason, once the leadership is lost or the signal is aborted: only then does this process stand again.
   */
  readonly lead: (leadership: Leadership, signal: AbortSignal) => Promise<Leading>;
  /** Hears of every change; begins with `standby`. */
  readonly onRole?: (role: Role) => void;
}

/** Pause after a term that ended with a passing error: another candidate may have more luck. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * Stands for election again and again, and leads whenever it is elected, until the signal is aborted: then it stops and
 * lets the leadership go, so that the next leader need not wait.
 *
 * @throws what ended a term and waiting does not mend; not `controller_superseded` and other transient errors, after
 *   which it is a standby again.
 */
export async function leadWhenElected(options: LeadOptions, signal: AbortSignal): Promise<void> {
  const { logger, clock, onRole = () => undefined } = options;
  while (!signal.aborted) {
    onRole('standby');
    const leadership = await awaitLeadership(options, signal).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (leadership === null) return;
    logger.info({ term: leadership.term }, 'leading');
    onRole('leader');
    const end = await serveTerm(options, leadership, signal);
    logger.info({ term: leadership.term, err: end }, 'no longer leading');
    if (signal.aborted || end === null) return;
    if (!(end instanceof AdctlError) || end.kind !== 'transient') throw end;
    await new Promise<void>((resolve) => {
      clock.after(PAUSE_AFTER_FAILURE_MS, resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** One term, from election to the end. @returns why it ended; null when the signal was aborted. */
async function serveTerm({ lead, logger }: LeadOptions, leadership: Leadership, signal: AbortSignal): Promise<unknown> {
  let leading: Leading | undefined;
  let end: unknown;
  try {
    leading = await lead(leadership, signal);
    end = await firstAborted([signal, leadership.lost, leading.stopped]);
  } catch (error) {
    end = error;
  }
  try {
    await leading?.close();
    await leadership.release();
  } catch (error) {
    // What ended the term often stands in the way of its last words too; the lease ends by itself.
    logger.warn({ err: error, term: leadership.term }, 'the leadership was not let go');
  }
  return signal.aborted ? null : end;
}

function firstAborted(signals: readonly AbortSignal[]): Promise<unknown> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve(signal.reason);
      signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
    }
  });
}
