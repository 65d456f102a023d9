import type { FailureClass, WorkerId } from '@adctl/protocol';
import type { ObservedTrial } from './reconcile.js';

/**
 * How a worker went: decides which budget of its trials that uses up.
 *
 * - `node-lost`: nobody knows more than that it is gone;
 * - `preempted`: taken away on purpose, for others or for maintenance;
 * - `oom-host`: killed for its memory;
 * - `infra`: killed for something else that belongs to the pod.
 */
export type LossClass = Extract<FailureClass, 'node-lost' | 'preempted' | 'oom-host' | 'infra'>;

/**
 * The class of what happened to one trial of a worker that is gone. Of several trials on a worker that was killed for its memory,
 * nobody can tell which one took it: the one that started last counts, because the memory stood the others before. They are
 * preempted. Its back-off keeps it away while they start again; so if it was the cause, it is the last one next time, too.
 *
 * @param all the trials that are observed, of whatever worker.
 */
export function lossOf(trial: ObservedTrial, worker: LossClass, all: readonly ObservedTrial[]): LossClass {
  if (worker !== 'oom-host') return worker;
  const beside = all.filter((other) => holderOf(other) === holderOf(trial));
  return beside.every((other) => other === trial || isEarlier(other, trial)) ? 'oom-host' : 'preempted';
}

/** Who has the trial, as far as its record and its lease tell. */
export function holderOf({ record, lease }: ObservedTrial): WorkerId | undefined {
  if (lease !== undefined && lease.attempt >= record.attempt && lease.released !== true) return lease.worker;
  return record.state === 'running' ? record.worker : undefined;
}

/** A claim that is not on the record yet is the newest; of equal ones the order is any, but always the same. */
function isEarlier(a: ObservedTrial, b: ObservedTrial): boolean {
  const [startA, startB] = [startOf(a), startOf(b)];
  return startA === startB ? a.record.trial < b.record.trial : startA < startB;
}

function startOf({ record, lease }: ObservedTrial): number {
  if (lease !== undefined && lease.attempt > record.attempt) return Number.POSITIVE_INFINITY;
  return record.startedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(record.startedAt);
}
