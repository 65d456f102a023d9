import { type EngineUse, engineText } from '@adctl/protocol';
import type { LossClass } from './plan/loss.js';

/** Every reason the controller shows to people, in one place; codes are stable, words are not. */
export const REASONS = {
  reused: (sweep: string, trial: string, engine: EngineUse | undefined) =>
    `same code, data, hyperparameters, seed and class of workers as ${trial} of ${sweep}, which ran ${engineText(engine)}`,
  userFailure: (message: string) => message,
  sameFailureTwice: (code: string) =>
    `the same failure twice in a row (${code}): another attempt would end the same way`,
  attemptsSpent: (count: number, failureClass: string) =>
    `${count} failed attempts, the last one ${failureClass}: limits.maxAttempts is spent`,
  budgetSpent: (failureClass: string, count: number, last: string) =>
    `${count} attempts ended ${failureClass}: its budget is spent. The last one: ${last}`,
  retryAfter: (failureClass: string, attempt: number) => `attempt ${attempt} ended ${failureClass}; it is tried again`,
  workerLost: (worker: string, how: LossClass) =>
    ({
      'node-lost': `worker ${worker} went away`,
      preempted: `worker ${worker} was taken away`,
      'oom-host': `worker ${worker} was killed for its memory`,
      infra: `worker ${worker} was evicted for what its pod used up`,
    })[how],
  drained: 'its worker was drained; it continues from its checkpoint on the next one',
  paused: 'paused by a person',
  resumed: 'resumed',
  waitsFor: (sweeps: readonly string[]) =>
    `starts when ${sweeps.join(', ')} ${sweeps.length === 1 ? 'is' : 'are'} over`,
  waitsForPaused: (sweep: string) => `sweep ${sweep}, which it waits for, is paused`,
  cancelled: (by: string) => `cancelled by ${by}`,
  overtaken: 'another submission with the same idempotency key was faster',
  cancelling: (by: string) => `cancelling for ${by}: its worker has until the deadline to save a checkpoint`,
  retried: (by: string) => `retry asked for by ${by}`,
  rebuilt: 'its record was made again from the object store',
  republished: 'its queue message was gone; it was published again',
  held: (message: string) =>
    `held: ${message}; mend that, then resume the sweep (its workers go on with what they have)`,
  isRebuilt: 'held: its records are being made again',
  rebuildBroke: 'held: making its records again broke off; repeat that, or resume the sweep',
  resultSpoilt: (key: string) =>
    `what is stored as its result (${key}) cannot be read: damaged, or written by another adctl version; retry it for a new one`,
  nothingCompleted: 'no configuration completed all its search trials, so there is no finalist',
  allReportFailed: 'no report trial completed',
  workerPodLost: (node: string, seconds: number) => `silent for ${seconds} s, and its node ${node} does not answer`,
  silent: (seconds: number) => `no sign of life for ${seconds} s`,
  podTerminating: 'its pod must go',
  noSignYet: 'its container runs; no sign of life yet',
  engineLoading: 'loads its engine',
  waitsForQuota: 'its Job waits for the quota of its queue',
  noPodYet: 'its Job has no pod yet',
  podReplaced: (end: string) => `its last pod ended (${end}); Kubernetes makes another after a pause`,
  noNodeFits: 'no node fits',
  notScheduledYet: 'not placed on a node yet',
  poolChanged: 'its pool has changed since it was made',
  notNeeded: 'no trial waits for it any more',
  poolDrained: 'its pool is drained',
  tooOld: (seconds: number) => `it is older than maxLifetimeSeconds (${seconds})`,
  tooSlow: (seconds: number) => `cannot train ${seconds} s after it was placed on a node (startSeconds)`,
  circuitOpen: (failures: number, until: string, last: string) =>
    `${failures} workers in a row failed before they could train; no further one before ${until}. The last one: ${last}`,
  codeChanged: (method: string) =>
    `the code of ${method} changed since this sweep was planned; submit the file again for a sweep with the code as it is now, or resume to finish with mixed code`,
} as const;
