import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONTROLLER_RIGHTS } from '@adctl/controller/kubernetes';
import { kubeconfigFor, startFakeCluster } from '@adctl/testkit/kubernetes';

/** A Kubernetes without nodes: the controller leads a pool there, whose one Job stays pending. */
export interface IdleKubernetes {
  /** Variables of a controller that leads the pool. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const TOKEN = 'controller';

/** Starts it, so that a controller has everything loaded that one in a cluster has; its API server is this process. */
export async function startIdleKubernetes(folder: string): Promise<IdleKubernetes> {
  const cluster = await startFakeCluster({ nodes: {}, tokens: { [TOKEN]: CONTROLLER_RIGHTS } });
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(kubeconfigFor(cluster.url, TOKEN)), { mode: 0o600 });
  const resources = { requests: { cpu: '1', memory: '1Gi' } };
  const pool = { name: 'cpu', flavour: 'cpu', image: 'registry.example/adctl-worker:0.1.0', max: 1, resources };
  return {
    env: { ADCTL_KUBECONFIG: kubeconfig, ADCTL_POOLS: JSON.stringify({ pools: [pool] }) },
    stop: () => cluster.stop(),
  };
}
