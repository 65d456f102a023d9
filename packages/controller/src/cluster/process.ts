import { WORKER_EXIT_CODES } from '@adctl/protocol';
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
