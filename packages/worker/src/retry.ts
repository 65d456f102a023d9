import type { Clock } from '@adctl/messaging';
import { AdctlError } from '@adctl/protocol';

export interface RetryOptions {
  readonly clock: Clock;
  /** Ends waiting; its reason is thrown. */
  readonly signal: AbortSignal;
  /** First pause; it doubles up to 16 times itself. Default 250 ms. */
  readonly pauseMs?: number;
}

/**
 * Repeats an idempotent operation as long as it fails for transient reasons. Without a limit of its own: the signal is that
 * of a claim, and a claim ends when its holder is cut off.
 *
 * @throws the operation's own error when it is not transient; the signal's reason.
 */
export async function retryTransient<T>(operation: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, pauseMs = 250 } = options;
  for (let round = 0; ; round++) {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof AdctlError) || error.kind !== 'transient') throw error;
      await pause(pauseMs * 2 ** Math.min(round, 4), clock, signal);
    }
  }
}

/** Waits; rejects with the signal's reason when that is aborted first. */
export function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => {
    cancel();
    reject(signal.reason);
  };
  const cancel = clock.after(delayMs, () => {
    signal.removeEventListener('abort', abort);
    resolve();
  });
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return promise;
}
