import type { Controller } from '../controller.js';
import type { PoolBoard } from '../kubernetes/pool-board.js';
import type { RunningPools } from '../kubernetes/start-pools.js';
import type { Leadership } from '../leader/leadership.js';
import type { ClusterParts } from './lead.js';

/** Starts the pools of a controller that leads. */
export type StartPools = (controller: Controller, leadership: Leadership) => RunningPools;

/**
 * Finds the API server for the pools of worker pods, if any are configured. The Kubernetes client is loaded only then.
 *
 * @returns null where workers are started by others
 * @throws AdctlError user `kubernetes_not_configured`.
 */
export async function preparePools(
  { config, logger, version, poolMetrics }: ClusterParts,
  board: PoolBoard,
): Promise<StartPools | null> {
  if (config.kubernetes === null) return null;
  const [{ findKubernetes }, { seenByPools, startPools }] = await Promise.all([
    import('../kubernetes/connection.js'),
    import('../kubernetes/start-pools.js'),
  ]);
  const { pools: file, instance, podName } = config.kubernetes;
  const place = findKubernetes(config.kubernetes);
  return (controller, leadership) => {
    const running = startPools({
      ...{ file, instance, podName, board, version, logger, ...place },
      term: leadership.term,
      mayWrite: () => leadership.holds(),
      controller: seenByPools(controller, (owner) => config.owners.of(owner).slots),
      ackWaitMs: config.ackWaitMs,
      onAnswer: (verb, status) => poolMetrics.answered(verb, status),
      onStart: (pool, stages) => poolMetrics.started(pool, stages),
    });
    const unfollow = poolMetrics.follow(board, () => running.silentMs());
    return {
      silentMs: () => running.silentMs(),
      stuckMs: () => running.stuckMs(),
      async close() {
        unfollow();
        await running.close();
      },
    };
  };
}
