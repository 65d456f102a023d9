import { AdctlError } from '@adctl/protocol';
import type { SweepOutcome } from '../answers/sweeps.js';
import type { ControllerClient } from './controller-client.js';
import { findSweep } from './find-sweep.js';
import { followSweep, type ProgressView } from './follow-sweep.js';
import { REAL_PACE } from './pace.js';
import { readOutcome } from './sweep-outcome.js';
import { isActive } from './sweep-progress.js';

export interface WatchOptions {
  /** Id, unique prefix or name, as typed. */
  readonly sweep: string;
  readonly view: ProgressView;
  /** Aborted by Ctrl-C: ends the watching only. */
  readonly signal: AbortSignal;
  readonly withController: <R>(use: (client: ControllerClient, place: string) => Promise<R>) => Promise<R>;
}

/**
 * Follows a sweep to its end and reads the outcome. A controller that was left behind ends with its last sweep, perhaps
 * before we have asked for the outcome: then the folder itself still tells it.
 *
 * @throws AdctlError transient `controller_unreachable` when the controller went away before the sweep ended; transient
 * `interrupted` for Ctrl-C while a cluster does not answer
 */
export async function watchSweep(options: WatchOptions): Promise<{ outcome: SweepOutcome; interrupted: boolean }> {
  const { view, signal, withController } = options;
  const outcome = await withController(async (connected, place) => {
    const client = connected.watching({ say: view.say, signal });
    const { sweep } = await findSweep(client, options.sweep);
    const summary = await followSweep({ client, sweep, view, pace: REAL_PACE, signal });
    return readOutcome(client, summary, place);
  }).catch((error: unknown) => {
    if (!(error instanceof AdctlError) || error.code !== 'controller_unreachable') throw error;
    return withController(async (client, place) => {
      const summary = await findSweep(client, options.sweep);
      if (isActive(summary)) throw error;
      return readOutcome(client, summary, place);
    });
  });
  return { outcome, interrupted: signal.aborted };
}
