import { FINAL_STATES, type SweepId, type SweepSummary, TrialProgress, type TrialSummary } from '@adctl/protocol';
import { waitWords } from '../render/sweeps.js';
import type { ControllerClient } from './controller-client.js';
import { countStates, isActive, ProgressTracker, type SweepProgress, tellApart } from './sweep-progress.js';

/** Where progress is shown: a live screen, plain lines, or nowhere. */
export interface ProgressView {
  /** Called about once a second, and at every progress message. */
  update(progress: SweepProgress, differences: ReadonlyMap<string, Record<string, unknown>>): void;
  /** Called once for every trial that ends while we watch. */
  ended(trial: TrialSummary, differences: Readonly<Record<string, unknown>>): void;
  /** Called once when a sweep is no longer followed. */
  left(progress: SweepProgress): void;
  /** One line of the story that stays. */
  say(line: string): void;
  close(): void;
}

/** Time as `followSweep` needs it. */
export interface Pace {
  /** Seconds; only differences matter. */
  readonly now: () => number;
  /** Resolves after about this long, or at once when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface FollowOptions {
  readonly client: ControllerClient;
  readonly sweep: SweepId;
  readonly planned?: { readonly searchTrials: number; readonly reportTrials: number };
  readonly view: ProgressView;
  readonly pace: Pace;
  /** Aborted to stop following; the sweep itself goes on. */
  readonly signal: AbortSignal;
  /** Stop following when the sweep is paused, too: only a person's `resume` continues it. Default: wait for that. */
  readonly untilPaused?: boolean;
}

const POLL_MS = 1000;
/** Above this many ended trials, single ones are no longer announced: listing them every second would cost more than it tells. */
const MOST_ANNOUNCED = 5000;
/** Trials compared to find out which hyperparameters tell them apart. */
const MOST_COMPARED = 500;

/**
 * Watches a sweep until it ends (with `untilPaused`: or is paused) or the signal is aborted. Live messages make the view smooth; the truth is asked for
 * every second, so nothing depends on having seen a message.
 *
 * @returns the last summary
 */
export async function followSweep(options: FollowOptions): Promise<SweepSummary> {
  const { client, sweep, view, pace, signal } = options;
  const tracker = new ProgressTracker(options.planned);
  const announcer = new Announcer(client, sweep, view);
  const teller = new WaitTeller(view);
  let summary = await client.request('sweeps.show', { sweep });
  let running: TrialSummary[] = [];
  let differences = new Map<string, Record<string, unknown>>();
  /** Trials that existed when they were last compared. */
  let compared = -1;
  const snapshot = () => tracker.snapshot(summary, running, pace.now());
  const draw = () => view.update(snapshot(), differences);
  const unsubscribe = await client.subscribe(`progress.${sweep}.>`, (_topic, payload) => {
    const progress = TrialProgress.safeParse(payload);
    if (!progress.success) return;
    tracker.note(progress.data);
    draw();
  });
  try {
    await announcer.start(summary);
    for (;;) {
      running = await client.request('trials.list', { sweep, states: ['running'], limit: MOST_COMPARED });
      if (summary.expanded !== compared) {
        differences = tellApart(await client.request('trials.list', { sweep, limit: MOST_COMPARED }));
        compared = summary.expanded;
      }
      await announcer.look(summary, differences);
      teller.look(summary);
      draw();
      const isLeft = options.untilPaused === true && summary.state === 'paused';
      if (!isActive(summary) || isLeft || signal.aborted) return summary;
      await pace.wait(POLL_MS, signal);
      summary = await client.request('sweeps.show', { sweep });
    }
  } finally {
    await unsubscribe();
    view.left(snapshot());
  }
}

/** What a sweep waits for in passing, whenever its workers are about to take its trials. */
const IN_PASSING: ReadonlySet<string> = new Set(['in_queue', 'waiting_turn', 'running']);

/** Says what a sweep waits for once it is seen twice in a row, and again when that changes. */
class WaitTeller {
  #seen: string | undefined;
  #told: string | undefined;

  constructor(private readonly view: ProgressView) {}

  look(summary: SweepSummary): void {
    const waits = summary.waits?.filter(({ code }) => !IN_PASSING.has(code)) ?? [];
    const words = waitWords({ ...summary, waits });
    if (words !== undefined && words === this.#seen && words !== this.#told) {
      this.view.say(`${summary.sweep} waits: ${words}`);
      this.#told = words;
    }
    if (words === undefined) this.#told = undefined;
    this.#seen = words;
  }
}

/** Tells the view about every trial that ended since the last look. */
class Announcer {
  readonly #seen = new Set<string>();
  #ended = 0;

  constructor(
    private readonly client: ControllerClient,
    private readonly sweep: SweepId,
    private readonly view: ProgressView,
  ) {}

  /** What had ended before we came is counted, not announced. */
  async start(summary: SweepSummary): Promise<void> {
    for (const trial of await this.#newlyEnded(summary)) this.#seen.add(keyOf(trial));
  }

  async look(summary: SweepSummary, differences: ReadonlyMap<string, Record<string, unknown>>): Promise<void> {
    for (const trial of await this.#newlyEnded(summary)) {
      this.#seen.add(keyOf(trial));
      this.view.ended(trial, differences.get(trial.trial) ?? {});
    }
  }

  async #newlyEnded(summary: SweepSummary): Promise<TrialSummary[]> {
    const ended = countStates(summary, FINAL_STATES);
    if (ended === this.#ended || ended > MOST_ANNOUNCED) return [];
    this.#ended = ended;
    const trials = await this.client.request('trials.list', { sweep: this.sweep, states: [...FINAL_STATES] });
    return trials.filter((trial) => !this.#seen.has(keyOf(trial)));
  }
}

/** A retried trial is announced again. */
function keyOf(trial: TrialSummary): string {
  return `${trial.trial} ${trial.generation}`;
}
