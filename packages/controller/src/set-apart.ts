import type { ControllerContext } from './context.js';
import { codeOf, isPassing, isPoison } from './failure-scope.js';
import { holdSweep } from './observe/held-sweeps.js';
import type { SweepBook } from './observe/sweep-book.js';

/** Pause before something that failed for a passing reason is tried again, in ack waits. */
export const RETRY_ACK_WAITS = 1 / 60;

/**
 * Does something for one sweep so that its failure holds up no other: what may pass is tried again soon, and a sweep that is to
 * blame itself is held.
 * @param book undefined where nothing of a sweep is worked on.
 * @param again what is tried again; default: a turn.
 * @throws what concerns everybody: that this controller was superseded, that a store refuses it.
 */
export async function setApart(
  context: ControllerContext,
  book: SweepBook | undefined,
  step: () => Promise<void>,
  again: () => void = context.wake,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (isPassing(error)) {
      context.logger.warn({ sweep: book?.record.sweep, err: error }, 'put aside; it is tried again');
      context.measures.failed(codeOf(error));
      context.clock.after(RETRY_ACK_WAITS * context.times.ackWaitMs, again);
    } else if (book !== undefined && isPoison(error)) {
      holdSweep(context, book.record.sweep, error);
    } else throw error;
  }
}
