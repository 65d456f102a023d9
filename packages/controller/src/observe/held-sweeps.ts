import type { SweepId, SweepRecord } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';
import { REASONS } from '../reasons.js';

/** A sweep that is set aside because something stored of it cannot be read, or that met a mistake of ours. */
export interface HeldSweep {
  readonly sweep: SweepId;
  /** Undefined when it is the record that cannot be read. */
  readonly record: SweepRecord | undefined;
  /** Names the object. */
  readonly reason: string;
}

/**
 * Sets a sweep aside, in memory only: nothing of it is changed, its workers go on with what they have, and its messages and
 * leases stay. Resuming it, and the next start of a controller, try it again.
 */
export function holdSweep(
  context: ControllerContext,
  { sweep, record }: Omit<HeldSweep, 'reason'>,
  error: unknown,
): void {
  const reason = REASONS.held(error instanceof Error ? error.message : String(error));
  context.logger.error({ err: error, sweep }, 'a sweep is held');
  context.measures.notUnderstood('sweep');
  context.books.delete(sweep);
  context.held.set(sweep, { sweep, record, reason });
}
