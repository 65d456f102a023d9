import { type SweepSummary, TRIAL_STATES, type TrialState } from '@adctl/protocol';
import { BAD_STATES, countStates } from '../services/sweep-progress.js';
import type { Style } from './style.js';
import { renderFacts, renderTable } from './table.js';
import { counted, metric } from './values.js';

export function renderSweeps(sweeps: readonly SweepSummary[], style: Style): string {
  if (sweeps.length === 0) return 'No sweeps here yet. Start one with: adctl sweep FILE';
  const problems = sweeps.flatMap(({ sweep, problem }) =>
    problem === undefined ? [] : [style.red(`${sweep}: ${problem}`)],
  );
  return [renderSweepTable(sweeps, style), ...problems].join('\n');
}

function renderSweepTable(sweeps: readonly SweepSummary[], style: Style): string {
  return renderTable(
    sweeps,
    [
      { head: 'SWEEP', value: (sweep) => sweep.sweep },
      { head: 'STATE', value: (sweep) => sweep.state },
      { head: 'METHODS', value: (sweep) => sweep.methods.join(', ') },
      { head: 'DATASET', value: (sweep) => `${sweep.dataset} ${sweep.protocol}` },
      {
        head: 'DONE',
        align: 'right',
        value: (sweep) => `${countStates(sweep, ['completed', 'stopped'])}/${trialsOf(sweep)}`,
      },
      { head: 'FAILED', align: 'right', value: (sweep) => String(countStates(sweep, BAD_STATES)) },
      { head: 'CREATED', value: (sweep) => sweep.createdAt },
    ],
    style,
  );
}

export function renderSweep(sweep: SweepSummary, style: Style): string {
  const facts = renderFacts(
    [
      ['sweep', sweep.sweep],
      ['state', sweep.reason === undefined ? sweep.state : `${sweep.state}: ${sweep.reason}`],
      ['problem', sweep.problem],
      ['methods', sweep.methods.join(', ')],
      ['dataset', `${sweep.dataset}, ${sweep.protocol}, normal ${sweep.normal.join(', ')}`],
      ['search', counted(sweep.searchTrials, 'trial')],
      ['report', sweep.reportTrials === undefined ? 'not planned yet' : counted(sweep.reportTrials, 'trial')],
      ['states', stateCounts(sweep)],
      ['waits', waitWords(sweep)],
      ['reused', sweep.reused === 0 ? undefined : `${counted(sweep.reused, 'trial')} taken over from identical ones`],
      ['created', `${sweep.createdAt} by ${sweep.owner}`],
      ['finished', sweep.finishedAt],
    ],
    style,
  );
  const finalists = sweep.finalists ?? [];
  if (finalists.length === 0) return facts;
  const table = renderTable(
    finalists,
    [
      { head: 'FINALIST', value: (finalist) => finalist.configuration },
      { head: 'METHOD', value: (finalist) => finalist.method },
      { head: 'OBJECTIVE', align: 'right', value: (finalist) => metric(finalist.objective) },
    ],
    style,
  );
  return `${facts}\n\n${table}`;
}

/** Why none of its trials runs; undefined when one does. */
export function waitWords({ waits = [] }: SweepSummary): string | undefined {
  return waits.length === 0 ? undefined : waits.map(({ message }) => message).join('; ');
}

/** `completed 6, running 2`, in the order of a trial's life. */
function stateCounts(sweep: SweepSummary): string {
  const present = TRIAL_STATES.filter((state: TrialState) => (sweep.counts[state] ?? 0) > 0);
  return present.length === 0
    ? 'nothing expanded yet'
    : present.map((state) => `${state} ${sweep.counts[state]}`).join(', ');
}

function trialsOf(sweep: SweepSummary): number {
  return sweep.searchTrials + (sweep.reportTrials ?? 0);
}
