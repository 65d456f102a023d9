import type { SweepSummary } from '@adctl/protocol';
import type { BadTrial, SweepOutcome } from '../answers/sweeps.js';
import type { ControllerClient } from './controller-client.js';
import { BAD_STATES } from './sweep-progress.js';

/** Everything told at the end of a sweep: its leaderboard, the trials that ended badly with their reasons, where files lie. */
export async function readOutcome(
  client: ControllerClient,
  summary: SweepSummary,
  place: string,
): Promise<SweepOutcome> {
  const { sweep } = summary;
  const [leaderboard, bad] = await Promise.all([
    client.request('leaderboard', { sweep }),
    client.request('trials.list', { sweep, states: [...BAD_STATES] }),
  ]);
  const reasoned = bad.map((trial): BadTrial => {
    const { trial: id, method, normal, state } = trial;
    return {
      trial: id,
      method,
      normal,
      state,
      reason: trial.reason ?? trial.failures.at(-1)?.failure.message ?? 'no reason recorded',
    };
  });
  return { summary, leaderboard, bad: reasoned, directory: place };
}

/** Whether a finished sweep is worth exit code 1. */
export function endedBadly({ summary, bad }: SweepOutcome): boolean {
  return summary.state === 'failed' || summary.state === 'cancelled' || bad.length > 0;
}
