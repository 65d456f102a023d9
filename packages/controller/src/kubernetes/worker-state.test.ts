import { expect, it } from 'vitest';
import { ObservedJob, ObservedPod } from './observed.js';
import { readWorker, type Sign } from './worker-state.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const AT = '2026-01-01T00:00:00Z';

interface Written {
  readonly [key: string]: unknown;
}

function job(keys: { spec?: Written; status?: Written; annotations?: Record<string, string> } = {}): ObservedJob {
  const metadata = {
    ...{ name: 'gpu24-1-1', uid: 'j1', resourceVersion: '1', creationTimestamp: AT },
    labels: { 'adctl.dev/pool': 'gpu24', 'adctl.dev/template': 'now' },
    annotations: keys.annotations ?? {},
  };
  return ObservedJob.parse({ metadata, spec: keys.spec ?? {}, status: keys.status ?? {} });
}

function pod(keys: { metadata?: Written; spec?: Written; status?: Written } = {}): ObservedPod {
  const metadata = { name: 'gpu24-1-1-abcde', uid: 'p1', resourceVersion: '1', creationTimestamp: AT };
  return ObservedPod.parse({
    metadata: { ...metadata, ...keys.metadata },
    spec: keys.spec ?? { nodeName: 'node-1' },
    status: keys.status ?? RUNNING,
  });
}

const SCHEDULED = { type: 'PodScheduled', status: 'True', lastTransitionTime: AT };
const RUNNING = {
  phase: 'Running',
  conditions: [SCHEDULED, { type: 'Ready', status: 'True' }],
  containerStatuses: [{ name: 'worker', ready: true, state: { running: {} } }],
};
const ON_DEAD_NODE = { ...RUNNING, conditions: [SCHEDULED, { type: 'Ready', status: 'False' }] };
const STARTING_UP = {
  ...ON_DEAD_NODE,
  containerStatuses: [{ name: 'worker', ready: false, state: { running: {} } }],
};
const TERMINATING = { deletionTimestamp: '2026-01-01T02:00:00Z' };

function sign(secondsAgo: number, keys: Partial<Sign['heartbeat']> = {}): Sign {
  return {
    heartbeat: { worker: 'gpu24-1-1-abcde', state: 'ready', busy: [], ...keys } as Sign['heartbeat'],
    seenAtMs: NOW - secondsAgo * 1000,
    readyMs: NOW - secondsAgo * 1000,
  };
}

function read(pods: readonly ObservedPod[], heard?: Sign, more: { job?: ObservedJob; listeningSinceMs?: number } = {}) {
  return readWorker({
    job: more.job ?? job(),
    pods,
    signOf: (worker) => (worker === heard?.heartbeat.worker ? heard : undefined),
    nowMs: NOW,
    silenceMs: 120_000,
    listeningSinceMs: more.listeningSinceMs ?? 0,
  });
}

const waiting = (reason: string, message?: string) => ({
  phase: 'Pending',
  conditions: [SCHEDULED],
  containerStatuses: [{ name: 'worker', state: { waiting: { reason, message } } }],
});
const busy = [{ sweep: 's', trial: 't', attempt: 1 }] as unknown as Sign['heartbeat']['busy'];

it.each([
  ['pending', 'no pod yet', [], undefined],
  [
    'unschedulable',
    '0/2 nodes are available: 2 Insufficient nvidia.com/gpu.',
    [
      pod({
        spec: {},
        status: {
          phase: 'Pending',
          conditions: [
            {
              ...{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' },
              message: '0/2 nodes are available: 2 Insufficient nvidia.com/gpu.',
            },
          ],
        },
      }),
    ],
    undefined,
  ],
  ['pulling', 'ContainerCreating', [pod({ status: waiting('ContainerCreating') })], undefined],
  [
    'pulling',
    'ImagePullBackOff: no such image',
    [pod({ status: waiting('ImagePullBackOff', 'no such image') })],
    undefined,
  ],
  ['starting', 'no sign of life yet', [pod()], undefined],
  ['starting', 'loads its engine', [pod()], sign(1, { state: 'starting' })],
  ['idle', undefined, [pod()], sign(1)],
  ['busy', undefined, [pod()], sign(1, { busy })],
  ['draining', undefined, [pod()], sign(1, { state: 'draining' })],
  ['draining', 'its pod must go', [pod({ metadata: TERMINATING })], sign(1)],
  ['busy', 'no sign of life for 300 s', [pod()], sign(300, { busy })],
] as const)('reads %s (%s)', (state, reason, pods, heard) => {
  const worker = read(pods, heard);

  expect(worker.state).toBe(state);
  if (reason === undefined) expect(worker.reason).toBeUndefined();
  else expect(worker.reason).toContain(reason);
});

it.each([
  ['its node does not answer', [pod({ status: ON_DEAD_NODE })], sign(121), 'lost'],
  ['its node does not answer, but it speaks', [pod({ status: ON_DEAD_NODE })], sign(119), 'idle'],
  ['its pod is terminating', [pod({ metadata: TERMINATING })], sign(121), 'lost'],
  ['its pod is terminating and never spoke, within its grace', [pod({ metadata: TERMINATING })], undefined, 'draining'],
  [
    'its pod never spoke and its grace is over',
    [pod({ metadata: { deletionTimestamp: '2026-01-01T00:59:00Z' } })],
    undefined,
    'lost',
  ],
  ['its container is not ready yet', [pod({ status: STARTING_UP })], undefined, 'starting'],
  ['its pod waits for a node', [pod({ metadata: TERMINATING, spec: {} })], undefined, 'draining'],
] as const)('when %s', (_, pods, heard, state) => {
  expect(read(pods, heard).state).toBe(state);
});

it('loses nobody right after the controller has started to listen', () => {
  const pods = [pod({ status: ON_DEAD_NODE })];

  expect(read(pods, undefined, { listeningSinceMs: NOW - 119_000 }).state).toBe('starting');
  expect(read(pods, undefined, { listeningSinceMs: NOW - 121_000 }).state).toBe('lost');
});

it('waits for the pod that follows a failed one, and says how that ended', () => {
  const ended = (name: string, status: Written) => pod({ metadata: { name, uid: name }, status });
  const oom = {
    phase: 'Failed',
    containerStatuses: [{ name: 'worker', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
  };

  expect(read([ended('gpu24-1-1-first', oom)])).toMatchObject({
    state: 'pending',
    reason: 'its last pod ended (OOMKilled, exit code 137); Kubernetes makes another after a pause',
  });
  expect(read([ended('gpu24-1-1-first', oom), pod()], sign(1)).state).toBe('idle');
});

it('reads a suspended Job as queued, not as failed', () => {
  const suspended = job({ spec: { suspend: true }, status: { conditions: [{ type: 'Suspended', status: 'True' }] } });

  expect(read([], undefined, { job: suspended })).toMatchObject({ state: 'pending', queued: true });
});

const failed = (reason: string) => ({
  status: {
    conditions: [{ type: 'Failed', status: 'True', reason, message: 'gave up', lastTransitionTime: AT }],
  },
});

it('counts a Job that failed before it could train as a failed start', () => {
  const worker = read([], undefined, { job: job(failed('BackoffLimitExceeded')) });

  expect(worker).toMatchObject({ state: 'failed', failedStart: true, endedMs: Date.parse(AT) });
  expect(worker.reason).toBe('BackoffLimitExceeded: gave up');
});

it('counts neither one that once worked nor one that waited for a node until its deadline', () => {
  const annotations = { 'adctl.dev/first-ready': AT };

  expect(read([], undefined, { job: job({ ...failed('BackoffLimitExceeded'), annotations }) })).toMatchObject({
    failedStart: false,
    readyMs: Date.parse(AT),
  });
  expect(read([], undefined, { job: job(failed('DeadlineExceeded')) }).failedStart).toBe(false);
});

it('reads a finished Job as completed', () => {
  const complete = { status: { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: AT }] } };

  expect(read([], undefined, { job: job(complete) }).state).toBe('completed');
});
