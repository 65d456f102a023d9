import type { TrialPhase, TrialState, TrialSummary } from '@adctl/protocol';
import type { ControllerClient } from './controller-client.js';
import { findSweep } from './find-sweep.js';

export interface TrialFilter {
  readonly sweep: string | undefined;
  readonly states: TrialState[] | undefined;
  readonly phase: TrialPhase | undefined;
  readonly limit: number;
}

/** Trials that match, by index. @throws AdctlError user `unknown_sweep`, `ambiguous_sweep` */
export async function listTrials(client: ControllerClient, filter: TrialFilter): Promise<TrialSummary[]> {
  const sweep = filter.sweep === undefined ? undefined : (await findSweep(client, filter.sweep)).sweep;
  return client.request('trials.list', {
    limit: filter.limit,
    ...(sweep === undefined ? {} : { sweep }),
    ...(filter.states === undefined ? {} : { states: filter.states }),
    ...(filter.phase === undefined ? {} : { phase: filter.phase }),
  });
}
