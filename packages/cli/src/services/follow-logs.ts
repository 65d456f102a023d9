import { isFinal, LogLine, type SweepId, type TrialId } from '@adctl/protocol';
import type { ControllerClient } from './controller-client.js';
import type { Pace } from './follow-sweep.js';

export interface FollowLogsOptions {
  readonly client: ControllerClient;
  readonly sweep: SweepId;
  readonly trial: TrialId;
  /** Only this attempt; undefined: all. */
  readonly attempt: number | undefined;
  /** Takes every line once, as it comes. */
  readonly onLine: (line: LogLine) => void;
  readonly pace: Pace;
  /** Aborted to stop following. */
  readonly signal: AbortSignal;
}

const POLL_MS = 1_000;

/**
 * Follows a trial's log: what is stored first, then what is said, until the trial has ended. Live lines may get lost on the
 * way; the log that an attempt stores at its end is complete, so what was missed comes then, late but once.
 */
export async function followLogs(options: FollowLogsOptions): Promise<void> {
  const { client, sweep, trial, attempt, onLine, pace, signal } = options;
  const seen = new Set<string>();
  const tell = (line: LogLine) => {
    const identity = `${line.attempt} ${line.at} ${line.level} ${line.message}`;
    if (seen.has(identity) || (attempt !== undefined && line.attempt !== attempt)) return;
    seen.add(identity);
    onLine(line);
  };
  const tellStored = async () => {
    for (const line of await client.request('trials.logs', { sweep, trial })) tell(line);
  };
  const unsubscribe = await client.subscribe(`log.${sweep}.${trial}`, (_topic, payload) => {
    const line = LogLine.safeParse(payload);
    if (line.success) tell(line.data);
  });
  try {
    await tellStored();
    let hasEnded = false;
    while (!hasEnded && !signal.aborted) {
      const { state } = await client.request('trials.why', { sweep, trial });
      hasEnded = isFinal(state);
      if (!hasEnded) await pace.wait(POLL_MS, signal);
    }
    if (hasEnded) await tellStored();
  } finally {
    await unsubscribe();
  }
}
