import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PoolStatus, TrialWhy, WorkerPod } from '@adctl/protocol';
import { asJob, kubernetesKinds, SINCE_MINOR } from '@adctl/testkit/kubernetes';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { comparableLeaderboard, comparableResults, readResults, run } from '../e2e/adctl.ts';
import { makeToySweep } from '../e2e/toy-sweep.ts';
import { type KubernetesCluster, type KubernetesOptions, startKubernetesCluster } from './kubernetes.ts';

let toy: Awaited<ReturnType<typeof makeToySweep>>;
let file: string;
beforeAll(async () => {
  toy = await makeToySweep(2);
  file = join(toy.folder, toy.file);
});
afterAll(() => rm(toy.folder, { recursive: true, force: true }));

const KINDS = kubernetesKinds(process.env);

async function setUp(options: Partial<KubernetesOptions>): Promise<KubernetesCluster> {
  const cluster = await startKubernetesCluster({ ackWaitMs: 3_000, pool: {}, ...options });
  onTestFinished(() => cluster.close());
  return cluster;
}

const Workers = z.object({ pools: z.array(PoolStatus), pods: z.array(WorkerPod) });
async function workersOf(cluster: KubernetesCluster) {
  const { stdout } = await cluster.run(['workers', '--json']);
  return Workers.parse(JSON.parse(stdout));
}

const jobsOf = ({ kubernetes }: KubernetesCluster) => kubernetes.list('jobs');
const workerPods = ({ kubernetes }: KubernetesCluster) => kubernetes.pods().filter(({ metadata }) => metadata.labels);
const running = (cluster: KubernetesCluster) => workerPods(cluster).filter(({ status }) => status.phase === 'Running');

describe.each(KINDS)('pods of $title', ({ missing, minor, makesVolumes, start }) => {
  const data = { kind: 'emptyDir', size: '1Gi' } as const;
  const setUpHere = (options: Partial<KubernetesOptions>) =>
    setUp({ startKubernetes: start, ...options, pool: { ...options.pool, ...(makesVolumes ? {} : { data }) } });

  it.skipIf(missing !== undefined)(
    'a sweep trains in pods that its trials call for, with the numbers of an embedded run, and leaves none behind',
    async () => {
      const cluster = await setUpHere({ pool: { max: 2, idleSeconds: 2 } });
      const controller = await cluster.startLeader(cluster.controllerEnv);
      expect(jobsOf(cluster)).toEqual([]);

      const clustered = await cluster.run(['sweep', file, '--yes', '--json']);
      const logs = workerPods(cluster).map(({ metadata }) => cluster.kubernetes.log(metadata.name));

      expect(clustered.code, clustered.stderr + controller.log() + logs.join('\n')).toBe(0);
      const embedded = await run(['sweep', file, '--local', '--yes', '--json', '--slots', '1'], { cwd: toy.folder });
      expect(comparableLeaderboard(clustered.stdout)).toEqual(comparableLeaderboard(embedded.stdout));
      const here = await comparableResults(join(toy.folder, '.adctl/objects'));
      expect(here.size).toBe(4);
      expect(await comparableResults(cluster.objects)).toEqual(here);
      await cluster.until(() => workerPods(cluster).every(({ status }) => status.phase === 'Succeeded'));
      expect(await workersOf(cluster)).toMatchObject({ pools: [{ pool: 'cpu', desired: 0 }] });
    },
  );

  it.skipIf(missing !== undefined || minor < SINCE_MINOR.trackedPods)(
    'an evicted worker gives its trial back to another one, and no attempt is counted against it',
    async () => {
      const long = await makeToySweep(60);
      onTestFinished(() => rm(long.folder, { recursive: true, force: true }));
      const cluster = await setUpHere({ pool: { max: 1, spot: true }, secondMs: 500 });
      const controller = await cluster.startLeader(cluster.controllerEnv);
      const sweep = cluster.start(['sweep', join(long.folder, long.file), '--yes', '--json']);
      let over = false;
      void sweep.finished.then(() => {
        over = true;
      });
      do expect(over, 'the sweep ended before a worker was seen at it').toBe(false);
      while ((await workersOf(cluster)).pods[0]?.state !== 'busy');
      const [first] = running(cluster);
      if (first === undefined) throw new Error('no worker runs');

      await cluster.kubernetes.evict(first);
      const finished = await sweep.finished;

      expect(finished.code, finished.stderr + controller.log()).toBe(0);
      expect(cluster.kubernetes.log(first.metadata.name)).toContain('takes no more trials');
      // It ended well, so its Job is complete, and the trials called for another.
      const [evicted, next] = jobsOf(cluster).map(asJob);
      expect(evicted?.status.conditions).toMatchObject([{ type: 'Complete' }]);
      expect(next).toBeDefined();
      const results = await readResults(cluster.objects);
      expect([...results.values()].flatMap(({ failures }) => failures ?? [])).toEqual([]);
    },
  );

  it.skipIf(missing !== undefined)(
    'a controller that was killed is followed by one that goes on with the same workers',
    async () => {
      const cluster = await setUpHere({ pool: { max: 2 } });
      const first = await cluster.startLeader(cluster.controllerEnv);
      await cluster.run(['sweep', file, '--yes', '--detach']);
      await cluster.until(() => running(cluster).length === 2);
      const before = jobsOf(cluster).map(({ metadata }) => metadata.name);

      await first.remove();
      await cluster.startLeader(cluster.controllerEnv);
      const finished = await cluster.run(['sweep', file, '--yes', '--json']); // the same sweep: waits for its end

      expect(finished.code, finished.stderr).toBe(0);
      expect(jobsOf(cluster).map(({ metadata }) => metadata.name)).toEqual(before);
    },
  );

  it.skipIf(missing !== undefined)('uninstalling the controller ends its workers', async () => {
    const cluster = await setUpHere({ pool: { min: 2, max: 2 }, workerEnv: { ADCTL_TRAINER: 'noop' } });
    const controller = await cluster.startLeader(cluster.controllerEnv);
    await cluster.until(() => running(cluster).length === 2);

    await controller.remove();
    await cluster.kubernetes.delete('deployments', 'default', 'adctl');
    await cluster.until(() => workerPods(cluster).length === 0);

    expect(jobsOf(cluster)).toEqual([]);
    expect(cluster.kubernetes.pids().size).toBe(0);
  });
});

test('workers that cannot train open the circuit, and trials say why they wait', async () => {
  // The pool wants a GPU, so that the worker looks for an engine that no machine of these tests has.
  const gpu = { flavour: 'gpu', max: 1 } as const;
  const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { 'nvidia.com/gpu': '1' } };
  const cluster = await setUp({ pool: { ...gpu, resources }, secondMs: 20 });
  await cluster.startLeader(cluster.controllerEnv);
  await cluster.run(['sweep', file, '--yes', '--detach']);

  await cluster.until(() => cluster.kubernetes.list('events').some(({ reason }) => reason === 'PoolCircuitOpen'));

  const { stdout: list } = await cluster.run(['trials', 'list', '--json']);
  const [trial] = z.array(z.object({ trial: z.string() })).parse(JSON.parse(list));
  const { stdout: why } = await cluster.run(['trials', 'why', trial?.trial ?? '', '--json']);
  expect(TrialWhy.parse(JSON.parse(why)).reasons.map(({ code }) => code)).toContain('pool_circuit_open');
});
