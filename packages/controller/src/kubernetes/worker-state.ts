import type { WorkerHeartbeat } from '@adctl/protocol';
import { REASONS } from '../reasons.js';
import { ANNOTATIONS, LABELS, WORKER_CONTAINER } from './names.js';
import { holds, type ObservedJob, type ObservedPod } from './observed.js';

/** A worker's last sign of life. */
export interface Sign {
  readonly heartbeat: Pick<WorkerHeartbeat, 'worker' | 'state' | 'busy'>;
  readonly seenAtMs: number;
  /** When it first said that it can train. */
  readonly readyMs: number | undefined;
}

/**
 * Where a worker pod is in its life.
 *
 * - `pending`: no pod yet, or held back by a queue;
 * - `unschedulable`: no node fits;
 * - `pulling`: on a node, its container does not run yet;
 * - `starting`: runs, no slot can train yet;
 * - `idle`, `busy`: as the heartbeat says;
 * - `draining`: takes no more trials, or its pod must go;
 * - `lost`: silent, with a pod that is going or on a node that does not answer;
 * - `completed`, `failed`: its Job has ended.
 */
export type PodWorkerState =
  | 'pending'
  | 'unschedulable'
  | 'pulling'
  | 'starting'
  | 'idle'
  | 'busy'
  | 'draining'
  | 'lost'
  | 'completed'
  | 'failed';

/** A worker as the controller sees it: a Job, its newest pod, the newest sign of life. */
export interface PodWorker {
  readonly job: string;
  readonly jobUid: string;
  readonly pool: string;
  readonly template: string;
  readonly kept: boolean;
  readonly createdMs: number;
  /** The Job has been deleted and is going. */
  readonly deleting: boolean;
  readonly state: PodWorkerState;
  /** Why it is there, for people. */
  readonly reason?: string;
  /** Waits for the quota of a queue. */
  readonly queued: boolean;
  readonly pod?: string;
  readonly node?: string;
  /** Since when its newest pod has a node, in ms since 1970. */
  readonly scheduledMs?: number;
  /** Since when the container of its newest pod runs, in ms since 1970. */
  readonly startedMs?: number;
  /** When a worker of the Job first said that it can train, in ms since 1970; undefined: never. */
  readonly readyMs?: number;
  /** When the Job ended, in ms since 1970; completed and failed ones only. */
  readonly endedMs?: number;
  /** The Job failed before any worker of it could train, although it got nodes. */
  readonly failedStart: boolean;
}

export interface WorkerSight {
  readonly job: ObservedJob;
  /** All pods of the Job. */
  readonly pods: readonly ObservedPod[];
  /** By worker id, which is the pod's name. */
  readonly signOf: (worker: string) => Sign | undefined;
  readonly nowMs: number;
  /** A worker not heard of this long is silent. */
  readonly silenceMs: number;
  /** Since when this controller listens; before, nobody can have been heard. */
  readonly listeningSinceMs: number;
}

/** Reads a worker's state off its Job, pods and heartbeat. Pure. */
export function readWorker(sight: WorkerSight): PodWorker {
  const { job, pods, signOf } = sight;
  const pod = newestPod(pods);
  const sign = pod === undefined ? undefined : signOf(pod.metadata.name);
  const scheduled = pod === undefined ? undefined : holds(pod, 'PodScheduled');
  const { labels } = job.metadata;
  const readyMs = firstReady(sight);
  return {
    job: job.metadata.name,
    jobUid: job.metadata.uid,
    pool: labels[LABELS.pool] ?? '',
    template: labels[LABELS.template] ?? '',
    kept: labels[LABELS.kept] === 'true',
    createdMs: Date.parse(job.metadata.creationTimestamp),
    deleting: job.metadata.deletionTimestamp !== undefined,
    ...stateOf(sight, pod, sign),
    queued: isQueued(job),
    ...(pod === undefined ? {} : { pod: pod.metadata.name, node: pod.spec.nodeName }),
    ...(scheduled === undefined || pod === undefined
      ? {}
      : { scheduledMs: Date.parse(scheduled.lastTransitionTime ?? pod.metadata.creationTimestamp) }),
    ...containerStart(pod),
    ...(readyMs === undefined ? {} : { readyMs }),
    failedStart: readyMs === undefined && failureOf(job) !== undefined && failureOf(job)?.reason !== 'DeadlineExceeded',
  };
}

function containerStart(pod: ObservedPod | undefined): Pick<PodWorker, 'startedMs'> {
  const worker = pod?.status.containerStatuses.find(({ name }) => name === WORKER_CONTAINER);
  const startedAt = worker?.state.running?.startedAt;
  return startedAt ? { startedMs: Date.parse(startedAt) } : {};
}

function firstReady({ job, pods, signOf }: WorkerSight): number | undefined {
  const written = job.metadata.annotations[ANNOTATIONS.firstReady];
  if (written !== undefined) return Date.parse(written);
  const times = pods.flatMap(({ metadata }) => signOf(metadata.name)?.readyMs ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** `FailureTarget` comes first, while the pods still end. */
function failureOf(job: ObservedJob) {
  return holds(job, 'Failed') ?? holds(job, 'FailureTarget');
}

type StateAndReason = Pick<PodWorker, 'state' | 'reason' | 'endedMs'>;

function stateOf(sight: WorkerSight, pod: ObservedPod | undefined, sign: Sign | undefined): StateAndReason {
  const { job } = sight;
  const complete = holds(job, 'Complete');
  if (complete !== undefined) return { state: 'completed', endedMs: endOf(complete, sight) };
  const failed = failureOf(job);
  if (failed !== undefined) {
    return { state: 'failed', reason: failureText(failed, sight.pods), endedMs: endOf(failed, sight) };
  }
  if (pod === undefined || isOver(pod)) return withoutPod(job, pod);
  const silentMs = sight.nowMs - (sign?.seenAtMs ?? Math.max(sight.listeningSinceMs, createdMs(pod)));
  const silent = silentMs > sight.silenceMs;
  if (silent && isGoneWithItsNode(pod, sign !== undefined, sight.nowMs)) {
    return { state: 'lost', reason: REASONS.workerPodLost(pod.spec.nodeName ?? 'unknown', seconds(silentMs)) };
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    return { state: 'draining', reason: holds(pod, 'DisruptionTarget')?.message ?? REASONS.podTerminating };
  }
  if (pod.status.phase !== 'Running') return beforeRunning(pod);
  if (sign === undefined) return { state: 'starting', reason: REASONS.noSignYet };
  const told = stateTold(sign);
  return silent ? { ...told, reason: REASONS.silent(seconds(silentMs)) } : told;
}

function stateTold({ heartbeat }: Sign): StateAndReason {
  if (heartbeat.state === 'draining') return { state: 'draining' };
  if (heartbeat.busy.length > 0) return { state: 'busy' };
  return heartbeat.state === 'starting' ? { state: 'starting', reason: REASONS.engineLoading } : { state: 'idle' };
}

function withoutPod(job: ObservedJob, last: ObservedPod | undefined): StateAndReason {
  if (isQueued(job)) return { state: 'pending', reason: REASONS.waitsForQuota };
  if (last === undefined) return { state: 'pending', reason: REASONS.noPodYet };
  return { state: 'pending', reason: REASONS.podReplaced(endText(last)) };
}

function beforeRunning(pod: ObservedPod): StateAndReason {
  const unscheduled = pod.status.conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled !== undefined) {
    return { state: 'unschedulable', reason: unscheduled.message ?? unscheduled.reason ?? REASONS.noNodeFits };
  }
  if (pod.spec.nodeName === undefined) return { state: 'pending', reason: REASONS.notScheduledYet };
  const waiting = pod.status.containerStatuses.find(({ name }) => name === WORKER_CONTAINER)?.state.waiting;
  const words = [waiting?.reason, waiting?.message].filter((part) => part !== undefined).join(': ');
  return { state: 'pulling', ...(words === '' ? {} : { reason: words }) };
}

/** Suspended Jobs are queued, not failed: Kueue admits them when the quota allows. */
function isQueued(job: ObservedJob): boolean {
  return job.spec.suspend === true;
}

export function isOver(pod: ObservedPod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

/**
 * Terminating, or on a node that the control plane no longer hears: then its pods are marked not ready, while the kubelet's
 * last word on the container stays. A worker that is ending by itself still sends signs of life.
 */
function isGoneWithItsNode(pod: ObservedPod, everHeard: boolean, nowMs: number): boolean {
  const { nodeName } = pod.spec;
  const { deletionTimestamp } = pod.metadata;
  if (nodeName === undefined) return false;
  // The time stamp names the end of the grace period: a pod that never spoke has until then.
  if (deletionTimestamp !== undefined) return everHeard || nowMs > Date.parse(deletionTimestamp);
  if (pod.status.phase === 'Unknown') return true;
  const notReady = pod.status.conditions.some(({ type, status }) => type === 'Ready' && status !== 'True');
  return notReady && pod.status.containerStatuses.some(({ name, ready }) => name === WORKER_CONTAINER && ready);
}

function newestPod(pods: readonly ObservedPod[]): ObservedPod | undefined {
  return pods.reduce<ObservedPod | undefined>((newest, pod) => {
    if (newest === undefined) return pod;
    if (isOver(newest) !== isOver(pod)) return isOver(newest) ? pod : newest;
    return createdMs(pod) >= createdMs(newest) ? pod : newest;
  }, undefined);
}

function createdMs({ metadata }: ObservedPod): number {
  return Date.parse(metadata.creationTimestamp);
}

const seconds = (ms: number): number => Math.round(ms / 1000);

function failureText(condition: { reason?: string; message?: string }, pods: readonly ObservedPod[]): string {
  const last = newestPod(pods);
  const words = [condition.reason, condition.message].filter((part) => part !== undefined).join(': ');
  return last === undefined || !isOver(last) ? words : `${words} (${endText(last)})`;
}

/** How a pod ended, for people: `exit code 77`, `OOMKilled`, `Evicted: …`. */
export function endText({ status }: ObservedPod): string {
  if (status.reason !== undefined) return [status.reason, status.message].filter(Boolean).join(': ');
  const ended = status.containerStatuses.find(({ name }) => name === WORKER_CONTAINER)?.state.terminated;
  if (ended === undefined) return status.phase ?? 'unknown end';
  const code = `exit code ${ended.exitCode}`;
  return ended.reason === undefined || ended.reason === 'Error' ? code : `${ended.reason}, ${code}`;
}

function endOf({ lastTransitionTime }: { lastTransitionTime?: string | null }, { nowMs }: WorkerSight): number {
  return lastTransitionTime ? Date.parse(lastTransitionTime) : nowMs;
}
