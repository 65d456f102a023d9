import type { TrialProgress, TrialSummary } from '@adctl/protocol';
import { fractionOf, type RunningTrial, type SweepProgress } from '../services/sweep-progress.js';
import type { Style } from './style.js';
import { count, duration, hyperparameterLine, metric } from './values.js';

type Differences = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

export interface FrameOptions {
  /** Width of the terminal in columns. */
  readonly columns: number;
  /** Most lines the frame may take. */
  readonly rows: number;
  readonly style: Style;
}

/**
 * The live view: one line of totals, one line a running trial.
 *
 * @returns lines no wider than the terminal and no more than it has
 */
export function renderFrame(progress: SweepProgress, differences: Differences, options: FrameOptions): string[] {
  const { columns, rows, style } = options;
  const shown = progress.running.slice(0, Math.max(1, rows - 2));
  const hidden = progress.running.length - shown.length;
  const lines = shown.map((line) => cut(runningLine(line, differences), columns));
  return [
    style.bold(cut(totalsLine(progress), columns)),
    ...lines,
    ...(hidden > 0 ? [style.dim(cut(`  and ${hidden} more running`, columns))] : []),
  ];
}

/** `ocgan-mnist-1a2b3c4d  search  6/14 done, 2 running, 6 waiting, 3 reused  ETA 4 min`. */
export function totalsLine(progress: SweepProgress): string {
  const { summary } = progress;
  const parts = [
    `${progress.done}/${progress.total} done`,
    `${progress.running.length} running`,
    `${progress.waiting} waiting`,
    ...(progress.failed > 0 ? [`${progress.failed} failed`] : []),
    ...(progress.reused > 0 ? [`${progress.reused} reused`] : []),
  ];
  const eta = progress.etaSeconds === undefined ? '' : `  ETA ${duration(progress.etaSeconds)}`;
  return `${summary.sweep}  ${summary.state}  ${parts.join(', ')}${eta}`;
}

function runningLine({ trial, progress }: RunningTrial, differences: Differences): string {
  const name = trialName(trial, differences.get(trial.trial) ?? {});
  return `  ${name}  ${bar(fractionOf(progress))} ${progress === undefined ? 'starting' : progressWords(progress)}`;
}

/** `ocgan 8 seed 1234 learningRate=0.001`, with the attempt from the second on. */
export function trialName(trial: TrialSummary, differences: Readonly<Record<string, unknown>>): string {
  const parts = [
    `${trial.method} ${trial.normal}`,
    hyperparameterLine(differences),
    `seed ${trial.seed}`,
    ...(trial.attempt > 1 ? [`attempt ${trial.attempt}`] : []),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** `epoch 7/20  recon 0.0213 adversarial 0.694  5,200 images/s  ETA 20 s`. */
export function progressWords(progress: TrialProgress): string {
  const losses = Object.entries(progress.losses).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
  const parts = [
    progress.stage === 'training' ? `epoch ${progress.epoch}/${progress.epochs}` : progress.stage,
    losses.join(' '),
    progress.imagesPerSecond === undefined ? '' : `${count(progress.imagesPerSecond)} images/s`,
    progress.etaSeconds === undefined ? '' : `ETA ${duration(progress.etaSeconds)}`,
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** One line for a trial that ended: how, with which selection metrics, or why not. */
export function endedLine(trial: TrialSummary, differences: Readonly<Record<string, unknown>>, style: Style): string {
  const name = `${trial.trial}  ${trial.phase}  ${trialName(trial, differences)}`;
  const took = secondsBetween(trial.startedAt, trial.finishedAt);
  if (trial.state === 'completed' || trial.state === 'stopped') {
    const from =
      trial.reusedFrom === undefined ? '' : `  reused from ${trial.reusedFrom.sweep} ${trial.reusedFrom.trial}`;
    const time = trial.reusedFrom !== undefined || took === undefined ? '' : `  in ${duration(took)}`;
    const auroc = trial.selection === undefined ? '' : `  selection.auroc ${metric(trial.selection.auroc)}`;
    return `${style.green(trial.state)}  ${name}${auroc}${time}${from}`;
  }
  return `${style.red(trial.state)}  ${name}${trial.reason === undefined ? '' : `: ${trial.reason}`}`;
}

const BAR_CELLS = 16;

/** Sixteen cells, full ones first. */
export function bar(fraction: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_CELLS);
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

function secondsBetween(from: string | undefined, to: string | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : (Date.parse(to) - Date.parse(from)) / 1000;
}

/** Unmarked text no wider than the terminal: a line that wraps would shift everything below it. */
function cut(text: string, columns: number): string {
  return text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`;
}
