import { digestOf, POOL_SEPARATOR } from '@adctl/protocol';
import type { Pool, PoolsFile } from './pool.js';

/** Labels and annotations on what the controller makes. */
export const LABELS = {
  name: 'app.kubernetes.io/name',
  instance: 'app.kubernetes.io/instance',
  component: 'app.kubernetes.io/component',
  managedBy: 'app.kubernetes.io/managed-by',
  pool: 'adctl.dev/pool',
  class: 'adctl.dev/class',
  /** `true`: a worker that stays without trials, because the pool has a minimum. */
  kept: 'adctl.dev/kept',
  /** Digest of what the Job was made from; another one means that the pool has changed since. */
  template: 'adctl.dev/template',
  kueueQueue: 'kueue.x-k8s.io/queue-name',
  /** The Job controller sets it on pods. */
  jobName: 'batch.kubernetes.io/job-name',
} as const;
export const ANNOTATIONS = {
  /** When a worker of the Job first said that it can train; kept on the Job, so that a new controller knows too. */
  firstReady: 'adctl.dev/first-ready',
  karpenterDoNotDisrupt: 'karpenter.sh/do-not-disrupt',
} as const;

export const WORKER_CONTAINER = 'worker';
/** Who writes the controller's Events and fields. */
export const FIELD_MANAGER = 'adctl-controller';

/** Selects the workers of one installation. */
export function workerSelector(instance: string): string {
  return `${LABELS.instance}=${instance},${LABELS.component}=worker`;
}

/**
 * Name of a worker's Job, the same whenever the same controller asks again: `<pool>--<term>-<number>`.
 * Its pod's name begins with it and is the worker's id.
 *
 * @param term of the leading controller; no two leaders have the same, so no name is used twice
 * @param number counts from 1 within the term
 * @returns at most 63 characters for terms below 36^12 and numbers below 36^6
 */
export function workerJobName(pool: string, term: number, number: number): string {
  return `${pool}${POOL_SEPARATOR}${term.toString(36)}-${number.toString(36)}`;
}

/** Digest (16 hex digits) of everything a pool's Jobs are made from, but their names. */
export function templateDigest(pool: Pool, shared: Omit<PoolsFile, 'pools'>): string {
  const { max: _max, drain: _drain, min: _min, startSeconds: _startSeconds, ...made } = pool;
  return digestOf({ made, shared }).slice(0, 16);
}
