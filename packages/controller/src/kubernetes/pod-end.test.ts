import { expect, test } from 'vitest';
import type { LossClass } from '../plan/loss.js';
import { WORKER_CONTAINER } from './names.js';
import { ObservedPod } from './observed.js';
import { lossOfPod, type PodSurroundings } from './pod-end.js';

const terminated = (reason: string, exitCode: number) => ({
  containerStatuses: [{ name: WORKER_CONTAINER, state: { terminated: { exitCode, reason } } }],
});
const disrupted = (reason: string) => ({ conditions: [{ type: 'DisruptionTarget', status: 'True', reason }] });
const pod = (status: object) =>
  ObservedPod.parse({
    metadata: { name: 'w', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    status,
  });

test.each<[string, object, LossClass]>([
  ['killed for its memory', { phase: 'Failed', ...terminated('OOMKilled', 137) }, 'oom-host'],
  [
    'killed for its memory while it was drained',
    { phase: 'Failed', ...terminated('OOMKilled', 137), ...disrupted('EvictionByEvictionAPI') },
    'oom-host',
  ],
  ['ended well after one process was killed', { phase: 'Succeeded', ...terminated('OOMKilled', 0) }, 'node-lost'],
  ['evicted through the API', disrupted('EvictionByEvictionAPI'), 'preempted'],
  ['preempted by the scheduler', disrupted('PreemptionByScheduler'), 'preempted'],
  [
    'evicted from a node under pressure',
    { phase: 'Failed', reason: 'Evicted', ...disrupted('TerminationByKubelet') },
    'preempted',
  ],
  [
    'on a node that shuts down',
    { phase: 'Failed', reason: 'Terminated', ...disrupted('TerminationByKubelet') },
    'preempted',
  ],
  ['evicted for what it used up itself', { phase: 'Failed', reason: 'Evicted' }, 'infra'],
  ['on a node that does not answer', disrupted('DeletionByTaintManager'), 'node-lost'],
  ['on a node that was deleted', disrupted('DeletionByPodGC'), 'node-lost'],
  ['ended with an exit code', { phase: 'Failed', ...terminated('Error', 75) }, 'node-lost'],
  ['running', { phase: 'Running' }, 'node-lost'],
])('a pod that was %s', (_name, status, how) => {
  expect(lossOfPod(pod(status), { spot: false, suspended: false })).toBe(how);
});

test.each<[string, object, PodSurroundings, LossClass]>([
  ['a spot node that vanished', disrupted('DeletionByPodGC'), { spot: true, suspended: false }, 'preempted'],
  ['a spot node that ran out of memory', terminated('OOMKilled', 137), { spot: true, suspended: false }, 'oom-host'],
  ['a spot node, for a reason nobody knows', {}, { spot: true, suspended: false }, 'node-lost'],
  ['a Job that its queue took back', {}, { spot: false, suspended: true }, 'preempted'],
])('a pod of %s', (_name, status, around, how) => {
  expect(lossOfPod(pod(status), around)).toBe(how);
});
