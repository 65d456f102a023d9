import { AdctlError, type ControlVerb } from '@adctl/protocol';
import type { ControllerClient } from './controller-client.js';
import type { Pace } from './follow-sweep.js';

/** Requests that change nothing, so that asking again is harmless whatever became of the first time. */
const READS: readonly ControlVerb[] = [
  'status',
  'sweeps.list',
  'sweeps.show',
  'trials.list',
  'trials.show',
  'trials.why',
  'trials.logs',
  'leaderboard',
];
/** As long as workers train on without the broker: whoever watches them should not give up before they do. */
const PATIENCE_SECONDS = 300;
const PAUSE_MS = 1_000;
const NEVER = new AbortController().signal;

/**
 * A client that asks again, for a while, when a cluster does not answer a reading request that was answered before: whoever
 * watches a sweep need not notice that a server restarted. The first request is not repeated; neither is any that changes
 * something.
 */
export function createPatientClient(client: ControllerClient, pace: Pace): ControllerClient {
  let wasAnswered = false;
  return {
    ...client,
    async request(verb, payload) {
      const deadline = pace.now() + PATIENCE_SECONDS;
      for (;;) {
        try {
          const answer = await client.request(verb, payload);
          wasAnswered = true;
          return answer;
        } catch (error) {
          const isAway = error instanceof AdctlError && error.code === 'controller_unreachable';
          if (!isAway || !wasAnswered || !READS.includes(verb) || pace.now() >= deadline) throw error;
          await pace.wait(PAUSE_MS, NEVER);
        }
      }
    },
  };
}
