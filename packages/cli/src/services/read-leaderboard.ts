import type { Leaderboard } from '@adctl/protocol';
import type { ControllerClient } from './controller-client.js';
import { findSweep } from './find-sweep.js';

export interface LeaderboardFilter {
  readonly dataset: string | undefined;
  readonly method: string | undefined;
  readonly protocol: string | undefined;
  readonly sweep: string | undefined;
}

/** The leaderboard, narrowed. @throws AdctlError user `unknown_sweep`, `ambiguous_sweep` */
export async function readLeaderboard(client: ControllerClient, filter: LeaderboardFilter): Promise<Leaderboard> {
  const { dataset, method, protocol } = filter;
  const sweep = filter.sweep === undefined ? undefined : (await findSweep(client, filter.sweep)).sweep;
  return client.request('leaderboard', {
    ...(dataset === undefined ? {} : { dataset }),
    ...(method === undefined ? {} : { method }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(sweep === undefined ? {} : { sweep }),
  });
}
