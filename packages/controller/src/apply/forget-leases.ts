import type { StateEntry } from '@adctl/messaging';
import type { SweepId } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';

/**
 * Forgets the leases of an ended sweep's trials, without a trace: a new leader reads the whole bucket before it leads, which must
 * not take the longer the more trials there ever were.
 */
export async function forgetLeasesOf(context: ControllerContext, sweep: SweepId): Promise<void> {
  await forgetLeases(context, sweep, await context.leases.entries(sweep));
}

/** Forgets leases as they were seen. One that was written since belongs to a trial that is retried, or to a zombie, and stays. */
export async function forgetLeases(
  { leases }: ControllerContext,
  sweep: string,
  seen: readonly Pick<StateEntry, 'revision'>[],
): Promise<void> {
  const newest = seen.reduce((highest, { revision }) => Math.max(highest, revision), 0);
  if (newest > 0) await leases.purge(sweep, newest);
}
