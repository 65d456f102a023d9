import type { SweepRunAnswer } from '../answers/sweeps.js';
import type { LogLevel } from '../flags.js';
import { counted } from '../render/values.js';
import { confirm, LARGE_SWEEP_TRIALS } from './confirm.js';
import { connectWithWorkers } from './connect.js';
import type { Payload } from './control-answers.js';
import type { ProgressView } from './follow-sweep.js';
import { type Interrupts, unlessInterrupted } from './interrupts.js';
import { REAL_PACE } from './pace.js';
import { planSource } from './plan-source.js';
import { planningDatasets } from './planning-datasets.js';
import { readSource } from './read-source.js';
import { runSweep } from './run-sweep.js';
import type { Target } from './target.js';
import type { WorkerChoice } from './worker-choice.js';

export interface StartSweepOptions {
  /** Path of the sweep file, or `-`. */
  readonly file: string;
  /** `path=value` of each `--set`. */
  readonly overrides: readonly string[];
  readonly target: Target;
  readonly logLevel: LogLevel;
  /** `--yes`. */
  readonly confirmed: boolean;
  /** `--detach`. */
  readonly detach: boolean;
  readonly submission: {
    readonly fresh: boolean;
    readonly priority: 'high' | 'normal' | 'low';
    readonly ifActive: 'join' | 'skip' | 'fail' | 'queue' | 'replace';
    readonly idempotencyKey: string | undefined;
  };
  readonly workers: WorkerChoice;
  readonly view: ProgressView;
  readonly interrupts: Interrupts;
}

/**
 * `adctl sweep`: plan, ask when it is large, submit to the cluster or the controller of this folder (or an own one), follow, and stop an
 * own controller gently.
 *
 * @throws AdctlError transient `interrupted` for Ctrl-C before anything was submitted; user `not_confirmed`, `confirmation_needed`, `file_unreadable`; SweepFileError for mistakes in the file
 */
export async function startSweep(options: StartSweepOptions): Promise<SweepRunAnswer> {
  const { target, detach, view, interrupts } = options;
  const { gentle } = interrupts;
  const source = await unlessInterrupted(gentle, readSource(options.file, options.overrides));
  const plan = await unlessInterrupted(gentle, planSource(source, planningDatasets(target)));
  for (const warning of plan.warnings) view.say(`Warning: ${warning}`);
  const { total } = plan.trials;
  if (total > LARGE_SWEEP_TRIALS && !options.confirmed) {
    const question = `${plan.name} is ${counted(total, 'training')}. Start?`;
    await unlessInterrupted(gentle, confirm(question, process.stdin, process.stderr));
  }
  const connection = await connectWithWorkers({
    target,
    logLevel: options.logLevel,
    say: view.say,
    detach,
    signal: gentle,
    ...options.workers,
  });
  const stopAtOnce = () => void connection.stop('now');
  interrupts.now.addEventListener('abort', stopAtOnce);
  try {
    return await runSweep({
      client: connection.client,
      submission: submissionOf(options, source),
      follow: !detach,
      view,
      pace: REAL_PACE,
      interrupts,
      broken: connection.broken,
      place: connection.place,
      controllerIsOurs: connection.isOurs,
      flavour: connection.flavour,
    });
  } finally {
    await connection.stop('drain');
    interrupts.now.removeEventListener('abort', stopAtOnce);
  }
}

function submissionOf(
  { submission }: StartSweepOptions,
  source: { readonly source: string; readonly file: string; readonly directory: string },
): Payload<'sweeps.submit'> {
  const { fresh, priority, ifActive, idempotencyKey } = submission;
  return {
    version: 1,
    source: source.source,
    file: source.file,
    directory: source.directory,
    fresh,
    priority,
    ifActive,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}
