import type { PodWorker } from './worker-state.js';

/** How long the stages of a worker's start took, in seconds; together from the making of its Job to the first trial it could take. */
export interface StartStages {
  /** Until its pod had a node. */
  readonly schedule: number;
  /** Until its container ran: pulling the image, mounting volumes. */
  readonly pull: number;
  /** Until it said that it can train: loading the engine. */
  readonly start: number;
}

/**
 * Reads the stages off a worker that became ready. Clocks of servers differ and Kubernetes counts whole seconds, so a stage is at least 0;
 * of one whose begin nobody wrote down the time counts to the stage before.
 */
export function startStages(
  worker: Pick<PodWorker, 'createdMs' | 'scheduledMs' | 'startedMs'>,
  readyMs: number,
): StartStages {
  const startedMs = worker.startedMs ?? readyMs;
  const scheduledMs = worker.scheduledMs ?? startedMs;
  const seconds = (from: number, until: number) => Math.max(0, until - from) / 1000;
  return {
    schedule: seconds(worker.createdMs, scheduledMs),
    pull: seconds(scheduledMs, startedMs),
    start: seconds(startedMs, readyMs),
  };
}
