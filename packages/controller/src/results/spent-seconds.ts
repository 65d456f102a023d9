import type { TrialResult } from '@adctl/protocol';
import { endsAttempt, secondsHeld } from '../plan/held-time.js';

/**
 * Seconds that the attempts behind a result held their slots, failed ones included, as far as that was recorded. Attempts that let
 * go with a checkpoint leave no record, but what they trained is in the result's own seconds; so it is never less than those.
 */
export function spentSeconds(
  result: Pick<TrialResult, 'ending' | 'failures' | 'seconds' | 'startedAt' | 'endedAt'>,
): number {
  const { ending, failures, seconds } = result;
  const recorded = [...failures, ...(endsAttempt(ending.state) ? [result] : [])];
  const held = recorded.reduce((sum, { startedAt, endedAt }) => sum + secondsHeld(startedAt, Date.parse(endedAt)), 0);
  return Math.max(held, seconds?.total ?? 0);
}
