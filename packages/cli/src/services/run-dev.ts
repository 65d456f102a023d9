import type { DevAnswer } from '../answers/dev.js';
import type { LogLevel } from '../flags.js';
import { counted } from '../render/values.js';
import { startOwn, type WorkingConnection } from './connect.js';
import { followFolder } from './follow-folder.js';
import type { ProgressView } from './follow-sweep.js';
import type { Interrupts } from './interrupts.js';
import { REAL_PACE } from './pace.js';
import type { OwnWorkerChoice } from './worker-choice.js';

/** Opens the deployment that stays. */
export type OpenDev = (
  options: {
    readonly directory: string;
    readonly logLevel: LogLevel;
    readonly say: (line: string) => void;
  } & OwnWorkerChoice,
) => Promise<WorkingConnection>;

export interface DevOptions {
  /** The `.adctl` folder, absolute. */
  readonly directory: string;
  readonly logLevel: LogLevel;
  readonly workers: OwnWorkerChoice;
  readonly untilIdle: boolean;
  /** Default: a controller in this process, with workers. */
  readonly open?: OpenDev;
  readonly view: ProgressView;
  readonly interrupts: Interrupts;
}

/** How long an idle controller stays for those who watched the last sweep end and now ask for its results. */
const LINGER_MS = 3000;

/**
 * `adctl dev`: a controller with workers that stays, and a view of what it does. Ctrl-C drains it, a second one stops it at
 * once.
 *
 * @throws AdctlError user, when another controller runs in the folder
 */
export async function runDev(options: DevOptions): Promise<DevAnswer> {
  const { directory, view, interrupts, open = startOwn } = options;
  const startedAt = REAL_PACE.now();
  const own = await open({ directory, logLevel: options.logLevel, say: view.say, ...options.workers });
  const stopAtOnce = () => void own.stop('now');
  interrupts.now.addEventListener('abort', stopAtOnce);
  try {
    const { slots } = await own.client.request('status', {});
    if (options.open === undefined) {
      view.say(`Controller ${process.pid} in ${directory}. Other commands in this folder use it; Ctrl-C stops it.`);
    }
    const signal = AbortSignal.any([interrupts.gentle, own.broken]);
    await followFolder({
      client: own.client.watching({ say: view.say, signal }),
      view,
      pace: REAL_PACE,
      signal,
      untilIdle: options.untilIdle,
      flavour: options.workers.flavour,
    });
    if (own.broken.aborted) throw own.broken.reason;
    if (interrupts.gentle.aborted) await sayBusy(own, view);
    else await REAL_PACE.wait(LINGER_MS, AbortSignal.any([interrupts.gentle, own.broken]));
    return { directory, slots, seconds: REAL_PACE.now() - startedAt };
  } finally {
    await own.stop('drain');
    interrupts.now.removeEventListener('abort', stopAtOnce);
  }
}

async function sayBusy(own: WorkingConnection, view: ProgressView): Promise<void> {
  const running = await own.client.request('trials.list', { states: ['running'] });
  if (running.length > 0) {
    view.say(
      `Stopping: ${counted(running.length, 'running trial')} save a checkpoint and continue next time. Ctrl-C again stops at once.`,
    );
  }
}
