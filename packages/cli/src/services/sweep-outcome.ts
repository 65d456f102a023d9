import { EXIT_CODES, type SweepSummary } from '@adctl/protocol';
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
    const failure = trial.failures.at(-1)?.failure;
    return {
      trial: id,
      method,
      normal,
      state,
      reason: trial.reason ?? failure?.message ?? 'no reason recorded',
      kind: failure?.kind ?? null,
    };
  });
  return { summary, leaderboard, bad: reasoned, directory: place };
}

/** The exit code of a finished sweep: 2 when all that ended badly waits for its input to be mended, 1 for any other bad end. */
export function exitCodeOf({ summary, bad }: SweepOutcome): number {
  if (bad.length > 0 && bad.every(({ kind }) => kind === 'user')) return EXIT_CODES.badInput;
  const isBad = summary.state === 'failed' || summary.state === 'cancelled' || bad.length > 0;
  return isBad ? EXIT_CODES.someTrialsFailed : EXIT_CODES.done;
}
