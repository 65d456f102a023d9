import type { SweepId } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';
import { sweepHeld } from '../errors.js';
import { REASONS } from '../reasons.js';

/** A sweep that is set aside because something stored of it cannot be read, or that met a mistake of ours. */
export interface HeldSweep {
  /** Names the object. */
  readonly reason: string;
  /** Its records are being made again: until that has ended nobody can resume or submit it. */
  readonly isRebuilt?: boolean;
}

/**
 * Sets a sweep aside, in memory only: nothing of it is changed, its workers go on with what they have, and its messages and
 * leases stay. Resuming it, and the next start of a controller, try it again.
 */
export function holdSweep(context: ControllerContext, sweep: SweepId, error: unknown): void {
  const reason = REASONS.held(error instanceof Error ? error.message : String(error));
  context.logger.error({ err: error, sweep }, 'a sweep is held');
  context.measures.notUnderstood('sweep');
  context.books.delete(sweep);
  context.held.set(sweep, { reason });
}

/** @throws AdctlError user `sweep_held` while the sweep's records are being made again. */
export function assertNotRebuilt({ held }: Pick<ControllerContext, 'held'>, sweep: SweepId): void {
  const aside = held.get(sweep);
  if (aside?.isRebuilt === true) throw sweepHeld(sweep, aside.reason);
}
