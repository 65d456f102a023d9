import type { TrialDetail } from '@adctl/protocol';
import type { ControllerClient } from './controller-client.js';
import { findSweep } from './find-sweep.js';

/**
 * The trial a person means: its id or a unique beginning of it, within a sweep when one is named.
 *
 * @throws AdctlError user, from the controller, for an unknown or ambiguous trial
 */
export async function findTrial(
  client: ControllerClient,
  trial: string,
  sweep: string | undefined,
): Promise<TrialDetail> {
  if (sweep === undefined) return client.request('trials.show', { trial });
  const { sweep: id } = await findSweep(client, sweep);
  return client.request('trials.show', { trial, sweep: id });
}
