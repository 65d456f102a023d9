import { AdctlError, type SweepAccepted, type SweepSummary } from '@adctl/protocol';
import type { SweepRunAnswer } from '../answers/sweeps.js';
import { counted } from '../render/values.js';
import type { Payload } from './control-answers.js';
import type { ControllerClient } from './controller-client.js';
import { followSweep, type Pace, type ProgressView } from './follow-sweep.js';
import { type Interrupts, refuseInterrupted } from './interrupts.js';
import { readOutcome } from './sweep-outcome.js';
import { isActive } from './sweep-progress.js';
import { type Flavour, sweepOfOtherFlavour } from './worker-choice.js';

export interface SweepRun {
  readonly client: ControllerClient;
  readonly submission: Payload<'sweeps.submit'>;
  /** False for `--detach`: submit and leave. */
  readonly follow: boolean;
  readonly view: ProgressView;
  readonly pace: Pace;
  readonly interrupts: Interrupts;
  /** Aborted when the controller cannot go on. */
  readonly broken: AbortSignal;
  /** Where results lie, for the words at the end. */
  readonly place: string;
  /** What Ctrl-C means here: the sweep stops with this process, or goes on in another. */
  readonly controllerIsOurs: boolean;
  /** The class of the workers on this machine; undefined in a cluster. */
  readonly flavour: Flavour | undefined;
}

/**
 * Submits a sweep, follows it to its end, and reads the outcome. Stops following at the first Ctrl-C; whoever owns the
 * controller then drains it.
 *
 * @throws AdctlError transient `interrupted`, with nothing submitted, for an earlier Ctrl-C; what the controller refuses the sweep with; transient `sweep_paused` when it was submitted before and is
 * paused, when `--if-active skip` left everything to a paused one, and when another process's controller pauses it meanwhile; user
 * `flavour_unavailable` when it was begun with other workers
 */
export async function runSweep(run: SweepRun): Promise<SweepRunAnswer> {
  const { view, interrupts } = run;
  refuseInterrupted(interrupts.gentle);
  const accepted = await run.client.request('sweeps.submit', run.submission);
  if (!accepted.created) await refuseStanding(run, accepted);
  view.say(acceptedLine(accepted));
  if (!run.follow || accepted.skipped) return { accepted, interrupted: false };

  const signal = AbortSignal.any([interrupts.gentle, run.broken]);
  const client = run.client.watching({ say: view.say, signal });
  const summary = await followSweep({
    client,
    sweep: accepted.sweep,
    planned: accepted,
    view,
    pace: run.pace,
    signal,
    // Without our process an own controller's workers would be gone when a person resumes it.
    untilPaused: !run.controllerIsOurs,
  });
  if (run.broken.aborted && isActive(summary)) throw run.broken.reason;
  if (interrupts.gentle.aborted && isActive(summary)) {
    view.say(interruptedLine(run, accepted));
    return { accepted, interrupted: true };
  }
  if (summary.state === 'paused') throw sweepPaused(summary);
  if (summary.reused > 0) view.say(reusedLine(summary.reused));
  return { accepted, outcome: await readOutcome(client, summary, run.place), interrupted: false };
}

/** A sweep that was there before, and of which nothing would run. */
async function refuseStanding({ client, flavour }: SweepRun, { sweep, skipped }: SweepAccepted): Promise<void> {
  const summary = await client.request('sweeps.show', { sweep });
  const { class: begun } = summary;
  const isElsewhere = flavour !== undefined && begun !== undefined && begun !== flavour;
  if (isElsewhere && isActive(summary)) throw sweepOfOtherFlavour(sweep, begun, flavour);
  const consequence = skipped ? ' Nothing was submitted (--if-active skip).' : '';
  if (summary.state === 'paused') throw sweepPaused(summary, consequence);
}

/** Thrown instead of waiting for somebody to resume a sweep, which may never happen. */
function sweepPaused({ sweep, reason }: SweepSummary, consequence = ''): AdctlError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new AdctlError(`Sweep ${sweep} is paused${why}.${consequence}`, {
    code: 'sweep_paused',
    kind: 'transient',
    hint: `It continues after: adctl sweeps resume ${sweep}`,
    details: { sweep },
  });
}

function acceptedLine({ sweep, created, skipped, searchTrials, reportTrials }: SweepAccepted): string {
  if (skipped) return `A sweep of this name is active; nothing was submitted (--if-active skip). It is ${sweep}.`;
  const report = counted(reportTrials, 'report trial');
  const size = searchTrials === 0 ? report : `${counted(searchTrials, 'search trial')}, then ${report}`;
  return created
    ? `Sweep ${sweep}: ${size}.`
    : `Sweep ${sweep} was submitted before; it continues where it was (${size}).`;
}

/** Why some trials took no time, and how to insist. */
function reusedLine(reused: number): string {
  return `Reused ${counted(reused, 'trial')}: same code, data, hyperparameters, seed and class of workers as trials that had ended before. --fresh trains them again.`;
}

function interruptedLine({ controllerIsOurs, submission }: SweepRun, { sweep }: SweepAccepted): string {
  // With --fresh the same command would be another sweep.
  const continues = submission.fresh ? 'adctl dev --until-idle continues it' : 'The same command continues';
  return controllerIsOurs
    ? `Stopping: running trials save a checkpoint. ${continues}; Ctrl-C again stops at once.`
    : `No longer watching; the sweep goes on in the other process. adctl sweeps watch ${sweep} shows it, adctl sweeps cancel ${sweep} ends it.`;
}
