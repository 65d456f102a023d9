import type { ControllerClient } from './controller-client.js';
import { followSweep, type Pace, type ProgressView } from './follow-sweep.js';

const POLL_MS = 1000;
const LONGEST_IDLE_SECONDS = 60;

export interface FollowFolderOptions {
  readonly client: ControllerClient;
  readonly view: ProgressView;
  readonly pace: Pace;
  /** Aborted to stop watching. */
  readonly signal: AbortSignal;
  /** End by itself once no sweep is active any more, or none came within a minute. */
  readonly untilIdle: boolean;
}

/** Follows every sweep that becomes active, as `adctl dev` shows them, until the signal is aborted. */
export async function followFolder(options: FollowFolderOptions): Promise<void> {
  const { client, view, pace, signal } = options;
  const following = new Map<string, Promise<unknown>>();
  const problems: unknown[] = [];
  let seenAny = false;
  const startedAt = pace.now();
  while (!signal.aborted && problems.length === 0) {
    const active = (await client.request('sweeps.list', { active: true })).filter((sweep) => sweep.state !== 'paused');
    seenAny ||= active.length > 0;
    const waitedEnough = seenAny || pace.now() - startedAt > LONGEST_IDLE_SECONDS;
    if (options.untilIdle && waitedEnough && active.length === 0 && following.size === 0) break;
    for (const { sweep } of active) {
      if (following.has(sweep)) continue;
      view.say(`Sweep ${sweep} is active.`);
      const follow = followSweep({ client, sweep, view, pace, signal })
        .catch((problem: unknown) => problems.push(problem))
        .finally(() => following.delete(sweep));
      following.set(sweep, follow);
    }
    await pace.wait(POLL_MS, signal);
  }
  await Promise.all(following.values());
  if (problems.length > 0) throw problems[0];
}
