import type { StateEntry } from '@adctl/messaging';
import type { SweepId } from '@adctl/protocol';
import { inBatches } from '../batches.js';
import type { ControllerContext } from '../context.js';

/** Deletes the leases of an ended sweep's trials, beside the turns: a large sweep has very many. */
export async function forgetLeasesOf(context: ControllerContext, sweep: SweepId): Promise<void> {
  await forgetLeases(context, await context.leases.entries(sweep));
}

/** Deletes leases as they were seen. One that was written since belongs to a trial that is retried, or to a zombie, and stays. */
export async function forgetLeases(
  { leases }: ControllerContext,
  seen: readonly Pick<StateEntry, 'key' | 'revision'>[],
): Promise<void> {
  await inBatches(seen, ({ key, revision }) => leases.delete(key, revision));
}
