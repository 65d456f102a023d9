import { type Failure, fromFailure } from '@adctl/protocol';
import type { Pace } from './follow-sweep.js';
import { REAL_PACE } from './pace.js';

/** What every long job of the controller tells of itself. */
interface JobProgress {
  readonly state: 'idle' | 'running' | 'done' | 'failed';
  readonly failure?: Failure | undefined;
}

const POLL_MS = 500;
const NEVER = new AbortController().signal;

/**
 * Starts a job of the controller, or joins the one under way, and follows it to its end.
 *
 * @param ask starts it, or only looks how far it is.
 * @param tell hears of the progress, whenever it has changed.
 * @throws AdctlError what kept it from starting; what ended it.
 */
export async function followJob<P extends JobProgress>(
  ask: (start: boolean) => Promise<P>,
  tell: (progress: P) => void,
  pace: Pace = REAL_PACE,
): Promise<P> {
  let progress = await ask(true);
  let told = '';
  while (progress.state === 'running') {
    const words = JSON.stringify(progress);
    if (words !== told) tell(progress);
    told = words;
    await pace.wait(POLL_MS, NEVER);
    progress = await ask(false);
  }
  if (progress.failure !== undefined) throw fromFailure(progress.failure);
  return progress;
}
