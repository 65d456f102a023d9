import type { WorkersAnswer } from '../answers/workers.js';
import { connectToRunning } from './connect.js';
import type { Target } from './target.js';

/** The workers of the cluster, or of the controller that runs in the folder; none when none runs there. */
export async function listWorkers(target: Target): Promise<WorkersAnswer> {
  const connection =
    target.kind === 'cluster' ? await connectToClusterOf(target) : await connectToRunning(target.directory);
  if (connection === undefined) return { controllerRunning: false, workers: [] };
  try {
    const { workers, pools, pods, waiting } = await connection.client.request('status', {});
    return { controllerRunning: true, workers, pools, pods, waiting };
  } finally {
    await connection.close();
  }
}

async function connectToClusterOf({ context }: Extract<Target, { kind: 'cluster' }>) {
  const { connectToCluster } = await import('./connect-cluster.js');
  return connectToCluster(context);
}
