import {
  asPod,
  createWorkload,
  type FakeCluster,
  type Job,
  kubernetesKinds,
  type ProcessCluster,
  SINCE_MINOR,
  startFakeCluster,
  type Workload,
} from '@adctl/testkit/kubernetes';
import { describe, expect, it } from 'vitest';
import type { PoolInput } from './pool.js';
import { CONTROLLER_RIGHTS } from './rights.js';
import { type PoolsHarness, startHarness } from './testing/pools-harness.fixtures.js';

const exits = (code: number) => ['sh', '-c', `exit ${code}`];

type Start = (pool: Partial<PoolInput>) => Promise<PoolsHarness>;

async function opensCircuit(start: Start, exitCode: number, why: string): Promise<void> {
  const harness = await start({ command: exits(exitCode), max: 1 });
  harness.state = 'starting';
  harness.demand = 3;
  await harness.until(() => harness.board.explain('gpu24')[0]?.code === 'pool_circuit_open');
  const before = harness.jobs().length;

  expect(harness.board.explain('gpu24')[0]?.message).toContain(why);
  expect(harness.events()).toContain('PoolCircuitOpen');
  expect(before).toBe(3);

  harness.skip(61_000);
  await harness.until(() => harness.jobs().length > before);
  expect(harness.jobs().length).toBe(before + 1);
}

/** Lets a worker's node die, with the worker on it. @returns the worker that was there; another one is idle by then. */
async function replacesWorkerOfDeadNode(harness: PoolsHarness) {
  harness.demand = 1;
  await harness.until(() => harness.board.workers()[0]?.state === 'idle');
  const [first] = harness.board.workers();
  harness.silent.add(first?.worker ?? '');
  harness.cluster.failNode(first?.node ?? '', 'die');
  await harness.until(() => harness.events().includes('WorkerLost'));
  await harness.until(
    () => harness.board.workers()[0]?.state === 'idle' && harness.board.workers()[0]?.job !== first?.job,
  );
  return first;
}

type Options = Parameters<typeof startHarness<ProcessCluster>>[2];

for (const { title, missing, minor, makesVolumes, start: startKind } of kubernetesKinds(process.env)) {
  describe.skipIf(missing !== undefined)(`pools on ${title}`, () => {
    const data = makesVolumes ? {} : { data: { kind: 'emptyDir', size: '1Gi' } as const };
    const start = (pool: Partial<PoolInput> = {}, options: Options = {}) =>
      startHarness(startKind, { ...data, ...pool }, options);

    it('makes a worker for each trial, up to max, and none without trials', async () => {
      const harness = await start();
      await harness.until(() => harness.board.pools()[0]?.conditions[0]?.status === 'True');
      expect(harness.jobs()).toEqual([]);

      harness.demand = 7;
      await harness.until(() => harness.board.workers().filter(({ state }) => state === 'idle').length === 3);

      expect(harness.jobs()).toHaveLength(3);
      expect(harness.board.pools()).toMatchObject([{ pool: 'gpu24', desired: 3, workers: 3, max: 3 }]);
      expect(harness.board.explain('gpu24')).toEqual([
        { code: 'pool_full', message: 'pool gpu24 has 3 workers; its max is 3' },
      ]);
      expect(harness.board.explain('cpu')).toEqual([
        { code: 'no_pool', message: 'no pool makes workers of class cpu' },
      ]);
      expect(harness.events()).toEqual(['WorkerCreated', 'WorkerCreated', 'WorkerCreated']);
      await harness.until(() => harness.starts.length === 3);
    });

    it('says why a worker finds no node, and counts it as existing', async () => {
      const harness = await start({ max: 6 });
      harness.demand = 5;

      await harness.until(() => harness.board.workers().filter(({ state }) => state === 'idle').length === 4);
      await harness.until(() => harness.events().includes('WorkerUnschedulable'));
      await harness.until(() => harness.board.explain('gpu24').length > 0);

      expect(harness.jobs()).toHaveLength(5);
      expect(harness.board.explain('gpu24')).toEqual([
        {
          code: 'pool_waiting',
          message: 'pool gpu24: one worker is unschedulable: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu.',
        },
      ]);
    });

    it('shows an image that cannot be pulled', async () => {
      const harness = await start({ image: 'registry.example/missing:1' });
      harness.demand = 1;

      await harness.until(() => harness.board.workers()[0]?.reason?.startsWith('ImagePullBackOff') === true);

      expect(harness.board.workers()).toMatchObject([{ state: 'pulling', node: 'gpu-1' }]);
    });

    it('gives up a worker that never speaks, and opens the circuit when all do so', async () => {
      const harness = await start({ image: 'registry.example/missing:1', max: 1, startSeconds: 1 });
      harness.demand = 1;

      await harness.until(() => harness.events().includes('PoolCircuitOpen'));
      await harness.until(() => harness.jobs().length === 0);

      expect(harness.events().filter((reason) => reason === 'WorkerFailed')).toHaveLength(3);
    });

    it.skipIf(minor < SINCE_MINOR.failurePolicy)(
      'opens the circuit after three workers that end with exit code 78, and tries one after the pause',
      () => opensCircuit(start, 78, 'PodFailurePolicy'),
    );

    it('replaces a worker whose node died: that Job goes, another comes on another node', async () => {
      const harness = await start({ max: 1 });
      const first = await replacesWorkerOfDeadNode(harness);

      expect(harness.gone).toContain(first?.worker);
      expect(harness.board.workers()[0]?.node).not.toBe(first?.node);
      expect(harness.jobs()).toHaveLength(1);
    });

    it('loses nobody who is only silent while its node is well', async () => {
      const harness = await start({ max: 1 });
      harness.demand = 1;
      await harness.until(() => harness.board.workers()[0]?.state === 'idle');
      const [first] = harness.board.workers();

      harness.silent.add(first?.worker ?? '');
      await harness.until(() => harness.board.workers()[0]?.reason?.startsWith('no sign of life') === true);

      expect(harness.board.workers()).toMatchObject([{ job: first?.job, state: 'idle' }]);
    });

    it.skipIf(minor < SINCE_MINOR.trackedPods)(
      'leaves the Job of an evicted worker to Kubernetes, which makes another pod and counts no failure',
      async () => {
        const harness = await start({ max: 1 });
        harness.demand = 1;
        await harness.until(() => harness.board.workers()[0]?.state === 'idle');
        const [first] = harness.pods();
        if (first === undefined) throw new Error('no pod');

        await harness.cluster.evict(first);
        await harness.until(() => {
          const [worker] = harness.board.workers();
          return worker?.state === 'idle' && worker.worker !== first.metadata.name;
        });

        const [job] = harness.jobs();
        expect(harness.jobs()).toHaveLength(1);
        expect(job?.status.failed ?? 0).toBe(0);
        expect(harness.gone).toContain(first.metadata.name);
        expect(harness.ends).toEqual(['preempted']);
      },
    );

    it('says how a worker ended that was killed for its memory, and waits for its replacement', async () => {
      const harness = await start({ max: 1 });
      harness.demand = 1;
      await harness.until(() => harness.board.workers()[0]?.state === 'idle');
      const [first] = harness.pods();
      if (first === undefined) throw new Error('no pod');

      harness.cluster.killForMemory(first);
      await harness.until(() => harness.board.workers()[0]?.reason?.includes('OOMKilled') === true);
      expect(harness.board.workers()[0]?.state).toBe('pending');
      expect(harness.gone).toEqual([first.metadata.name]);
      expect(harness.ends).toEqual(['oom-host']);

      await harness.until(() => harness.board.workers()[0]?.state === 'idle');
      expect(harness.jobs()).toHaveLength(1);
    });

    it('lets a finished worker go and makes none in its place without trials', async () => {
      const harness = await start({ command: ['sh', '-c', 'sleep 0.3'], max: 1 });
      harness.demand = 1;
      await harness.until(() => harness.board.workers()[0]?.state === 'idle');
      harness.demand = 0;

      await harness.until(() => harness.board.workers().length === 0);

      expect(harness.board.pools()).toMatchObject([{ desired: 0, workers: 0 }]);
    });

    it('drains a worker past its lifetime, makes another, and tells of it once', async () => {
      const harness = await start({ max: 2, maxLifetimeSeconds: 60 });
      harness.demand = 1;
      await harness.until(() => harness.board.workers()[0]?.state === 'idle');
      const [first] = harness.board.workers();

      harness.skip(61_000);
      await harness.until(() => harness.drained.has(first?.worker ?? ''));
      await harness.until(() => harness.jobs().length === 2);

      expect(harness.events().filter((reason) => reason === 'WorkerDrained')).toHaveLength(1);
    });

    it('finds the workers of the leader before, makes no others, and takes them over', async () => {
      const harness = await start(
        {},
        { prepare: async (cluster) => (await createWorkload(cluster, 'controller-1')).pod },
      );
      const ownersOf = (jobs: readonly Job[]) => jobs.map(({ metadata }) => metadata.ownerReferences?.[0]?.name);
      const next = await createWorkload(harness.cluster, 'controller-2');
      harness.demand = 2;
      await harness.until(() => harness.board.workers().filter(({ state }) => state === 'idle').length === 2);
      const before = harness.jobs().map(({ metadata }) => metadata.name);
      expect(ownersOf(harness.jobs())).toEqual(['controller-1-1', 'controller-1-1']);

      await harness.restart({ podName: next.pod });
      await harness.until(() => ownersOf(harness.jobs()).every((owner) => owner === 'controller-2-1'));
      harness.demand = 3;
      await harness.until(() => harness.jobs().length === 3);

      expect(harness.jobs().map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(before));
    });

    it('goes with the controller: deleting its Deployment ends workers and their processes', async () => {
      let controller: Workload | undefined;
      const prepare = async (cluster: ProcessCluster) => {
        controller = await createWorkload(cluster, 'adctl');
        return controller.pod;
      };
      const harness = await start({}, { prepare });
      harness.demand = 2;
      await harness.until(() => harness.cluster.pids().size === 2);

      harness.demand = 0;
      await harness.cluster.delete('deployments', 'default', 'adctl');
      await harness.until(() => harness.jobs().length === 0 && harness.cluster.pids().size === 0);

      // Of its own pod nobody reports the end: its node is none of this cluster's.
      await harness.until(() => harness.pods().every(({ metadata }) => metadata.name === controller?.pod));
    });

    it.skipIf(minor < SINCE_MINOR.suspendedJobs)(
      'treats a Job that a queue holds back as waiting, not as failed',
      async () => {
        const suspend = (cluster: ProcessCluster, job: string, yes: boolean) =>
          cluster.patch('jobs', 'default', job, { spec: { suspend: yes } });
        const harness = await start(
          { queueName: 'team-a', max: 1 },
          {
            // What the webhook of a queue does to new Jobs.
            prepare: async (cluster) => {
              const seen = new Set<string>();
              cluster.listen(() => {
                for (const { metadata } of cluster.list('jobs')) {
                  if (seen.has(metadata.uid)) continue;
                  seen.add(metadata.uid);
                  queueMicrotask(() => void suspend(cluster, metadata.name, true));
                }
              });
              return undefined;
            },
          },
        );
        harness.demand = 1;

        await harness.until(() => harness.events().includes('QuotaWaiting'));
        expect(harness.board.workers()).toMatchObject([
          { state: 'pending', reason: 'its Job waits for the quota of its queue' },
        ]);
        const [job] = harness.jobs();
        if (job === undefined) throw new Error('no Job');
        await suspend(harness.cluster, job.metadata.name, false);

        await harness.until(() => harness.board.workers()[0]?.state === 'idle');
        expect(harness.jobs()).toHaveLength(1);
      },
    );
  });
}

/** What a real API server cannot be made to do, or to tell. */
const STAYS = [
  'which requests were refused: a real one does not tell its answers one by one',
  'exit code 77: a real Job pauses for 70 s before it gives up',
  'a pool that the server refuses, and Jobs under faults: a real one has none on demand',
];
if (process.env.KUBEBUILDER_ASSETS || process.env.USE_EXISTING_CLUSTER === 'true') {
  process.stderr.write(`On the make-believe API server alone run:\n${STAYS.map((what) => `  - ${what}\n`).join('')}`);
}

describe('pools on a make-believe API server that fails on demand', () => {
  const start = (pool: Partial<PoolInput> = {}, options: Parameters<typeof startHarness<FakeCluster>>[2] = {}) =>
    startHarness(startFakeCluster, pool, options);

  it('uses every right that it has, and needs no other', async () => {
    const harness = await start({ max: 1 });
    await replacesWorkerOfDeadNode(harness);

    const requests = harness.cluster.api.requests.filter(({ userAgent }) => userAgent.startsWith('adctl-controller/'));
    const used = new Set(requests.map(({ verb, plural }) => `${verb} ${plural}`));
    const rights = CONTROLLER_RIGHTS.flatMap(({ resource, verbs }) => verbs.map((verb) => `${verb} ${resource}`));
    expect(requests.filter(({ code }) => code === 403)).toEqual([]);
    expect([...used].toSorted()).toEqual(rights.toSorted());
  });

  it('opens the circuit after three workers that end with exit code 77, after all the pauses of their Jobs', () =>
    opensCircuit(start, 77, 'BackoffLimitExceeded'));

  it('says at start what the API server finds wrong with a pool', async () => {
    const harness = await start(
      {
        env: [{ name: 'A', value: 'b' }],
        tolerations: [{ operator: 'Exists', tolerationSeconds: 1, effect: 'NoExecute' }],
      },
      {
        prepare: async ({ api }) => {
          api.faults.inject({ match: 'create jobs', what: { fault: 'status', code: 409 } });
          return undefined;
        },
      },
    );

    await harness.until(() => harness.board.pools()[0]?.conditions[0]?.status === 'False');

    expect(harness.board.explain('gpu24')).toEqual([
      expect.objectContaining({ code: 'pool_invalid', message: expect.stringContaining('injected fault') }),
    ]);
  });

  it('never has more than max Jobs and ends with the right number, whatever the API server does', async () => {
    const harness = await start({ max: 3 });
    const { api } = harness.cluster;
    let most = 0;
    api.store.listen(() => {
      most = Math.max(most, api.store.list('jobs').length);
    });
    for (const what of [
      { fault: 'cut-after' },
      { fault: 'status', code: 429, retryAfter: 0 },
      { fault: 'cut-before' },
      { fault: 'status', code: 500 },
    ] as const) {
      api.faults.inject({ match: 'create jobs', what });
    }
    api.faults.inject({ match: 'watch *', times: 2, what: { fault: 'silent' } });
    api.faults.inject({ match: 'watch *', times: 2, what: { fault: 'echo' } });
    api.faults.inject({ match: 'list *', times: 2, what: { fault: 'status', code: 503 } });
    api.faults.inject({ match: 'create events', times: 2, what: { fault: 'cut-before' } });
    harness.demand = 3;
    await harness.until(() => harness.jobs().length > 0);
    api.cutWatches();
    api.store.compact();
    await harness.until(() => harness.board.workers().filter(({ state }) => state === 'idle').length === 3);
    await api.stop();
    const [pod] = harness.pods('Running');
    if (pod !== undefined) api.store.delete('pods', asPod(pod), 0);
    await api.start();

    await harness.until(
      () =>
        harness.board.workers().filter(({ state }) => state === 'idle').length === 3 &&
        harness.cluster.pids().size === 3,
    );

    expect(most).toBe(3);
    expect(api.faults.left).toBe(0);
  });
});
