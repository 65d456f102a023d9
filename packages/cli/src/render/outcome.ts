import type { SweepOutcome, SweepRunAnswer } from '../answers/sweeps.js';
import { renderLeaderboard } from './leaderboard.js';
import type { Style } from './style.js';
import { counted } from './values.js';

const MOST_BAD_SHOWN = 20;

/** The end of a sweep: leaderboard, what went wrong, where files lie, what to do next. */
export function renderOutcome(outcome: SweepOutcome, style: Style): string {
  const { summary, bad } = outcome;
  const ending =
    summary.state === 'completed'
      ? []
      : [
          `${style.bold(summary.sweep)} is ${summary.state}${summary.reason === undefined ? '.' : `: ${summary.reason}`}`,
        ];
  return [
    ...ending,
    renderLeaderboard(outcome.leaderboard, style),
    ...renderBad(bad, style),
    renderNext(outcome, style),
  ].join('\n\n');
}

/** The answer of `adctl sweep`: the outcome, or the id alone when there is none. */
export function renderSweepRun(answer: SweepRunAnswer, style: Style): string {
  return answer.outcome === undefined ? answer.accepted.sweep : renderOutcome(answer.outcome, style);
}

function renderBad(bad: SweepOutcome['bad'], style: Style): string[] {
  if (bad.length === 0) return [];
  const lines = bad
    .slice(0, MOST_BAD_SHOWN)
    .map((trial) => `  ${trial.trial} ${trial.method} ${trial.normal}, ${trial.state}: ${trial.reason}`);
  const more = bad.length > MOST_BAD_SHOWN ? [`  and ${bad.length - MOST_BAD_SHOWN} more`] : [];
  return [[style.red(`${counted(bad.length, 'trial')} ended badly`), ...lines, ...more].join('\n')];
}

function renderNext({ summary, bad, directory }: SweepOutcome, style: Style): string {
  const next = [
    [`adctl leaderboard --sweep ${summary.sweep}`, 'this table again, --csv for a spreadsheet'],
    [`adctl trials list --sweep ${summary.sweep}`, 'every trial; trials show ID for curves and images'],
    ...(bad.length > 0 ? [[`adctl sweeps retry ${summary.sweep}`, 'run the failed trials again']] : []),
  ] as const;
  const width = Math.max(...next.map(([command = '']) => command.length));
  const lines = next.map(([command = '', words = '']) => `  ${command.padEnd(width)}  ${style.dim(words)}`);
  return [`Results and artifacts: ${directory}`, 'Next:', ...lines].join('\n');
}
