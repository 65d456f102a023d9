import { AdctlError, WORKER_EXIT_CODES } from '@adctl/protocol';
import type { Logger } from 'pino';

/**
 * Aborted by the first SIGTERM or SIGINT. The process ends with exit code 75 when it has not ended by itself within the
 * grace time, or at once at the second signal.
 */
export function untilSignalled(logger: Logger, graceMs: number): AbortSignal {
  const asked = new AbortController();
  const endAtOnce = (why: string) => {
    logger.warn(why);
    process.exit(WORKER_EXIT_CODES.temporary);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked.signal.aborted) return endAtOnce('asked twice to stop: ends at once');
    logger.info({ signal }, 'stops');
    asked.abort(signal);
    setTimeout(() => endAtOnce('the grace time is over: ends at once'), graceMs).unref();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return asked.signal;
}

/** The exit code of a process that ends with an error: what a person has to mend is told apart from what may pass. */
export function exitCodeOf(error: unknown): number {
  const isUsers = error instanceof AdctlError && error.kind === 'user';
  return isUsers ? WORKER_EXIT_CODES.badConfiguration : WORKER_EXIT_CODES.temporary;
}

/** Message and mend of an expected error; anything else with its stack. */
export function wordsOf(error: unknown): string {
  if (error instanceof AdctlError) return [error.message, error.hint].filter(Boolean).join('\n');
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
