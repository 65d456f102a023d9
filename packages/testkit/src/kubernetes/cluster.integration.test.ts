import { expect, it, onTestFinished } from 'vitest';
import { type ClusterOptions, type FakeCluster, startFakeCluster } from './cluster.js';
import { asJob, type Job } from './objects.js';

const NODE = { cpu: '4', memory: '8Gi' };

async function start(options: Partial<ClusterOptions> = {}): Promise<FakeCluster> {
  const cluster = await startFakeCluster({ nodes: { a: NODE }, secondMs: 20, ...options });
  onTestFinished(() => cluster.stop());
  return cluster;
}

function submit(
  { api }: FakeCluster,
  command: readonly string[],
  keys: Partial<Job['spec']> = {},
  pod: object = {},
): void {
  const containers = [{ name: 'worker', image: 'registry.example/worker:1', command: [...command] }];
  api.store.create('jobs', {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', namespace: 'default' } },
    spec: { backoffLimit: 1, template: { spec: { restartPolicy: 'Never', containers, ...pod } }, ...keys },
  });
}

const jobOf = ({ api }: FakeCluster) => asJob(api.store.get('jobs', 'default', 'j'));
const conditionOf = (cluster: FakeCluster) =>
  jobOf(cluster)
    .status.conditions?.map(({ type, reason }) => reason ?? type)
    .join();

function until({ api }: FakeCluster, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const beat = setInterval(() => look(), 10);
    const look = () => {
      if (!condition()) return;
      clearInterval(beat);
      unlisten();
      resolve();
    };
    const unlisten = api.store.listen(look);
    look();
  });
}

it('runs a pod to its end and completes the Job', async () => {
  const cluster = await start();
  submit(cluster, ['sh', '-c', 'echo hello']);

  await until(cluster, () => conditionOf(cluster) === 'Complete');

  expect(cluster.log(cluster.pods()[0]?.metadata.name ?? '')).toBe('hello\n');
});

it('tries a failing pod again, and gives up at the limit', async () => {
  const cluster = await start();
  submit(cluster, ['sh', '-c', 'exit 1']);

  await until(cluster, () => conditionOf(cluster) === 'BackoffLimitExceeded');

  expect(cluster.pods()).toHaveLength(2);
});

it('fails a Job at once when its policy says so', async () => {
  const cluster = await start();
  const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [78] } }];
  submit(cluster, ['sh', '-c', 'exit 78'], { backoffLimit: 9, podFailurePolicy: { rules } });

  await until(cluster, () => conditionOf(cluster) === 'PodFailurePolicy');

  expect(cluster.pods()).toHaveLength(1);
});

it('kills what does not end within its grace time', async () => {
  const cluster = await start();
  const stubborn = ['sh', '-c', "trap 'echo no' TERM; while true; do sleep 0.05; done"];
  submit(cluster, stubborn, {}, { terminationGracePeriodSeconds: 30 });
  await until(cluster, () => cluster.pids().size === 1);
  const [pod] = cluster.pods();
  if (pod === undefined) throw new Error('no pod');

  cluster.api.store.delete('pods', pod);
  await until(cluster, () => !cluster.pids().has(pod.metadata.name));

  expect(cluster.log(pod.metadata.name)).toContain('no');
  expect(jobOf(cluster).status.failed ?? 0).toBeLessThanOrEqual(1);
});

it('ends a Job at its deadline', async () => {
  const cluster = await start();
  submit(cluster, ['sleep', '600'], { activeDeadlineSeconds: 10 });

  await until(cluster, () => conditionOf(cluster)?.includes('DeadlineExceeded') === true && cluster.pids().size === 0);
});

it('gives secrets by reference, and waits for one that is not there', async () => {
  const cluster = await start();
  const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'token' } } }];
  const containers = [{ name: 'worker', image: 'a:1', command: ['sh', '-c', 'echo "got $TOKEN"'], env }];
  submit(cluster, [], {}, { containers });
  await until(cluster, () => `${JSON.stringify(cluster.pods()[0]?.status)}`.includes('CreateContainerConfigError'));

  cluster.api.store.create('secrets', {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } },
    data: { token: Buffer.from('abc').toString('base64') },
  });
  cluster.addNode('b', NODE); // anything that makes the kubelet look again
  await until(cluster, () => conditionOf(cluster) === 'Complete');

  expect(cluster.log(cluster.pods()[0]?.metadata.name ?? '')).toBe('got abc\n');
});
