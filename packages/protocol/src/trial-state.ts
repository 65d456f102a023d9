import { z } from 'zod';

/**
 * States of a trial (design section 7).
 *
 * - `queued`: known, not in the work queue.
 * - `dispatched`: in the work queue's window, no worker yet.
 * - `running`: claimed by a worker.
 * - `paused`: set aside by a person; goes back to queued.
 * - final: `completed` (all epochs), `stopped` (by a scheduler; nothing asks one yet), `cancelled` (by a person), `diverged` (loss not finite),
 *   `infeasible` (cannot run as asked), `failed` (a failure class spent its budget).
 */
export const TRIAL_STATES = [
  'queued',
  'dispatched',
  'running',
  'paused',
  'completed',
  'stopped',
  'cancelled',
  'diverged',
  'infeasible',
  'failed',
] as const;
export const TrialState = z.enum(TRIAL_STATES);
export type TrialState = z.infer<typeof TrialState>;

export const FINAL_STATES = ['completed', 'stopped', 'cancelled', 'diverged', 'infeasible', 'failed'] as const;
export const FinalState = z.enum(FINAL_STATES);
export type FinalState = z.infer<typeof FinalState>;

/** Final states that a person may have a trial leave, as a new generation of it. */
export const RetriableState = FinalState.extract(['failed', 'diverged', 'infeasible', 'cancelled']);
export type RetriableState = z.infer<typeof RetriableState>;

const FINAL: ReadonlySet<TrialState> = new Set(FINAL_STATES);

/** Every legal move; what is not listed is rejected and counted. A queued trial completes directly when it is reused. */
const MOVES: Readonly<Record<TrialState, readonly TrialState[]>> = {
  queued: ['dispatched', 'paused', ...FINAL_STATES],
  dispatched: ['running', 'queued', 'paused', ...FINAL_STATES],
  running: ['queued', 'paused', ...FINAL_STATES],
  paused: ['queued', 'cancelled'],
  completed: [],
  stopped: [],
  cancelled: [],
  diverged: [],
  infeasible: [],
  failed: [],
};

export function isFinal(state: TrialState): state is FinalState {
  return FINAL.has(state);
}

/** Whether a trial may move from one state to another. Final states never change. */
export function isLegalMove(from: TrialState, to: TrialState): boolean {
  return MOVES[from].includes(to);
}
