import type { LossClass } from '../plan/loss.js';
import { WORKER_CONTAINER } from './names.js';
import { holds, type ObservedPod } from './observed.js';

/** Reasons of the condition `DisruptionTarget` that say no more than that the node does not answer or is not there. */
const NODE_GONE: ReadonlySet<string> = new Set(['DeletionByTaintManager', 'DeletionByPodGC']);

/** What of the end of a pod its own status does not say. */
export interface PodSurroundings {
  /** Its nodes vanish by design. */
  readonly spot: boolean;
  /** A queue took its Job back, as Kueue does for others with more right to the quota. */
  readonly suspended: boolean;
}

/**
 * What the end of a worker's pod means for the trials it had, as far as Kubernetes tells.
 *
 * With cgroup v2 the kernel kills the whole container (`memory.oom.group`), supervisor and trainings: then nobody but the pod
 * says that it was the memory. A container that survived a killed process and ended well later is no such case. An eviction
 * without the condition `DisruptionTarget` is the kubelet's answer to a pod that outgrew a limit of its own, such as its
 * ephemeral storage; those with it make room for others, or for a node that shuts down. A node that is gone is a loss with a
 * budget, because a trial may have brought it down; of a spot pool it is the price.
 */
export function lossOfPod(pod: ObservedPod, { spot, suspended }: PodSurroundings): LossClass {
  const { status } = pod;
  const ended = status.containerStatuses.find(({ name }) => name === WORKER_CONTAINER)?.state.terminated;
  if (ended?.reason === 'OOMKilled' && ended.exitCode !== 0) return 'oom-host';
  const disrupted = holds(pod, 'DisruptionTarget');
  if (disrupted !== undefined) return NODE_GONE.has(disrupted.reason ?? '') && !spot ? 'node-lost' : 'preempted';
  if (status.reason === 'Evicted') return 'infra';
  return suspended ? 'preempted' : 'node-lost';
}
