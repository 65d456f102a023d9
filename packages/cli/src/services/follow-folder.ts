import { FINAL_STATES, type SweepId, type SweepSummary } from '@adctl/protocol';
import { counted } from '../render/values.js';
import type { ControllerClient } from './controller-client.js';
import { followSweep, type Pace, type ProgressView } from './follow-sweep.js';
import { countStates, isActive } from './sweep-progress.js';
import type { Flavour } from './worker-choice.js';

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
  /** The class of the workers: sweeps that were begun with another one do not run here. */
  readonly flavour: Flavour;
}

/** Follows every sweep that becomes active, as `adctl dev` shows them, until the signal is aborted. */
export async function followFolder(options: FollowFolderOptions): Promise<void> {
  const { client, view, pace, signal, flavour } = options;
  const following = new Map<SweepId, Promise<unknown>>();
  const problems: unknown[] = [];
  const startedAt = pace.now();
  /** Sweeps that people know of. */
  const told = new Set<SweepId>();
  let seenAny = false;

  const follow = (sweep: SweepId) => {
    view.say(`Sweep ${sweep} is active.`);
    told.add(sweep);
    const followed = followSweep({ client, sweep, view, pace, signal })
      .catch((problem: unknown) => problems.push(problem))
      .finally(() => following.delete(sweep));
    following.set(sweep, followed);
  };

  for (const { sweep } of await ended(client)) told.add(sweep);
  while (!signal.aborted && problems.length === 0) {
    const sweeps = await client.request('sweeps.list', {});
    const moving = sweeps.filter((sweep) => isActive(sweep) && sweep.state !== 'paused');
    const active = moving.filter((sweep) => (sweep.class ?? flavour) === flavour);
    for (const { sweep, class: begun } of moving) {
      if (begun === undefined || begun === flavour || told.has(sweep)) continue;
      told.add(sweep);
      view.say(
        `Sweep ${sweep} does not run here: it was begun with --flavour ${begun}, the workers here are ${flavour}.`,
      );
    }
    for (const { sweep } of active) if (!following.has(sweep)) follow(sweep);
    for (const summary of sweeps.filter((sweep) => !isActive(sweep) && !told.has(sweep.sweep))) {
      told.add(summary.sweep);
      seenAny = true;
      view.say(endedLine(summary));
    }
    seenAny ||= active.length > 0;
    const waitedEnough = seenAny || pace.now() - startedAt > LONGEST_IDLE_SECONDS;
    if (options.untilIdle && waitedEnough && active.length === 0 && following.size === 0) break;
    await pace.wait(POLL_MS, signal);
  }
  await Promise.all(following.values());
  if (problems.length > 0) throw problems[0];
}

async function ended(client: ControllerClient): Promise<SweepSummary[]> {
  return (await client.request('sweeps.list', {})).filter((sweep) => !isActive(sweep));
}

/** For a sweep that came and went between two looks. */
function endedLine(summary: SweepSummary): string {
  return `Sweep ${summary.sweep} ${summary.state}: ${counted(countStates(summary, FINAL_STATES), 'trial')}.`;
}
