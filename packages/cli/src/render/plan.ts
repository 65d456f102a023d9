import type { PlanAnswer, PlannedMethod, ValidateAnswer } from '../answers/plan.js';
import type { Style } from './style.js';
import { renderFacts, renderTable } from './table.js';
import { count, counted, duration } from './values.js';

export function renderValidated({ file, name, methods, warnings }: ValidateAnswer, style: Style): string {
  const lines = warnings.map((warning) => style.yellow(`Warning: ${warning}`));
  return [`${file} is right: sweep ${name}, ${methods.join(', ')}.`, ...lines].join('\n');
}

export function renderPlan(plan: PlanAnswer, style: Style): string {
  const { seeds, trials, input } = plan;
  const facts = renderFacts(
    [
      ['sweep', plan.name],
      [
        'dataset',
        `${plan.dataset}, ${plan.protocol}, ${counted(plan.normal.length, 'normal class', 'normal classes')}: ${plan.normal.join(', ')}`,
      ],
      [
        'images',
        `${input.height}x${input.width}x${input.channels}${plan.datasetReady ? '' : `; not there yet: adctl datasets fetch ${plan.dataset} (for a cluster with --share)`}`,
      ],
      ['preset', plan.preset],
      ['objective', plan.objective],
      [
        'seeds',
        `${seeds.search} to search, ${seeds.report} to report, ${counted(seeds.finalists, 'finalist')} a method`,
      ],
      [
        'trials',
        `${count(trials.search)} search + ${count(trials.report)} report = ${counted(trials.total, 'training')}, at most ${plan.parallel} at a time`,
      ],
      ['time', timeOf(plan)],
    ],
    style,
  );
  const warnings = plan.warnings.map((warning) => style.yellow(`Warning: ${warning}`));
  return [facts, renderMethods(plan.methods, style), ...warnings, 'Nothing was submitted.'].join('\n\n');
}

function renderMethods(methods: readonly PlannedMethod[], style: Style): string {
  return renderTable(
    methods,
    [
      { head: 'METHOD', value: (row) => row.method },
      { head: 'CONFIGURATIONS', align: 'right', value: (row) => count(row.configurations) },
      {
        head: 'VARIES',
        value: (row) =>
          Object.entries(row.varies)
            .map(([name, values]) => `${name} (${values})`)
            .join(', ') || '-',
      },
      { head: 'EPOCHS', align: 'right', value: (row) => range(row.epochs) },
      { head: 'PARAMETERS', align: 'right', value: (row) => range(row.parameters) },
      { head: 'SEARCH', align: 'right', value: (row) => count(row.searchTrials) },
      { head: 'REPORT', align: 'right', value: (row) => count(row.reportTrials) },
      {
        head: 'COMPUTE',
        align: 'right',
        value: (row) => (row.estimate === null ? '-' : `~${duration(row.estimate.seconds)}`),
      },
    ],
    style,
  );
}

/** The sum over methods when every method is known; otherwise what to do to know it. */
function timeOf({ methods }: PlanAnswer): string {
  const unknown = methods.filter((method) => method.estimate === null).map((method) => method.method);
  if (unknown.length > 0) {
    return `not known yet: no trial of ${unknown.join(', ')} with networks of this size has ended in this folder`;
  }
  const seconds = methods.reduce((sum, method) => sum + (method.estimate?.seconds ?? 0), 0);
  return `about ${duration(seconds)} of computing, from how long such trials took here; divide by the trials that run at the same time`;
}

function range({ least, most }: { least: number; most: number }): string {
  return least === most ? count(least) : `${count(least)}..${count(most)}`;
}
