import type { ProcessCluster } from './cluster.js';

/** What a controller would be a pod of. Nobody runs it. */
export interface Workload {
  readonly deployment: string;
  readonly replicaSetUid: string;
  readonly pod: string;
}

/** Creates a Deployment with a ReplicaSet and a pod that belong together, in the namespace `default`. */
export async function createWorkload(cluster: Pick<ProcessCluster, 'create'>, name: string): Promise<Workload> {
  const labels = { app: name };
  const containers = [{ name: 'controller', image: 'registry.example/adctl:0.1.0' }];
  const spec = {
    replicas: 0,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers } },
  };
  const owned = (kind: string, owner: string, uid: string) => [
    { apiVersion: 'apps/v1', kind, name: owner, uid, controller: true },
  ];
  const deployment = await cluster.create('deployments', {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', spec },
    metadata: { name, namespace: 'default' },
  });
  const ofDeployment = owned('Deployment', name, deployment.metadata.uid);
  const set = await cluster.create('replicasets', {
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', spec },
    metadata: { name: `${name}-1`, namespace: 'default', ownerReferences: ofDeployment },
  });
  const pod = `${name}-1-x`;
  await cluster.create('pods', {
    ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers, nodeName: 'elsewhere' } },
    metadata: {
      ...{ name: pod, namespace: 'default' },
      ownerReferences: owned('ReplicaSet', `${name}-1`, set.metadata.uid),
    },
  });
  return { deployment: name, replicaSetUid: set.metadata.uid, pod };
}
