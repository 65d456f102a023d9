import { isLegalMove, type TrialState } from '@adctl/protocol';

/** Live states a move may pass through when facts arrive late or out of order, nearest first. */
const THROUGH: readonly TrialState[] = ['queued', 'dispatched', 'running'];

/**
 * Whether a record in state `from` may be rewritten as `to`: directly, or through live states that were real but never
 * written down (a claim seen only with its result: dispatched → running → completed; a message taken from the queue in
 * the moment it was withdrawn: queued → dispatched → running). Final states never change.
 */
export function canReach(from: TrialState, to: TrialState): boolean {
  if (isLegalMove(from, to)) return true;
  const seen = new Set<TrialState>([from]);
  let frontier: TrialState[] = [from];
  while (frontier.length > 0) {
    const next: TrialState[] = [];
    for (const state of frontier) {
      for (const middle of THROUGH) {
        if (seen.has(middle) || !isLegalMove(state, middle)) continue;
        if (isLegalMove(middle, to)) return true;
        seen.add(middle);
        next.push(middle);
      }
    }
    frontier = next;
  }
  return false;
}
