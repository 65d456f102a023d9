import { type LogLine, type TrialDetail, type TrialSummary, type TrialWhy, trainedWith } from '@adctl/protocol';
import { tellApart } from '../services/sweep-progress.js';
import type { Style } from './style.js';
import { renderFacts, renderTable } from './table.js';
import { backboneText, count, counted, duration, hyperparameterLine, metric } from './values.js';

export function renderTrials(trials: readonly TrialSummary[], style: Style): string {
  if (trials.length === 0) return 'No trials match.';
  const own = tellApart(trials);
  return renderTable(
    trials,
    [
      { head: 'TRIAL', value: (trial) => trial.trial },
      { head: 'SWEEP', value: (trial) => trial.sweep },
      { head: 'PHASE', value: (trial) => trial.phase },
      { head: 'STATE', value: (trial) => (trial.reusedFrom === undefined ? trial.state : `${trial.state} (reused)`) },
      { head: 'METHOD', value: (trial) => trial.method },
      { head: 'NORMAL', value: (trial) => trial.normal },
      { head: 'SEED', align: 'right', value: (trial) => String(trial.seed) },
      { head: 'ATTEMPT', align: 'right', value: (trial) => String(trial.attempt) },
      { head: 'SELECTION AUROC', align: 'right', value: (trial) => metric(trial.selection?.auroc) },
      // Only what differs: `trials show` has them all.
      { head: 'HYPERPARAMETERS', value: (trial) => hyperparameterLine(own.get(trial.trial) ?? {}) },
    ],
    style,
  );
}

export function renderTrial(
  { record, spec, result, artifactLocations, checkpoint }: TrialDetail,
  style: Style,
): string {
  const sections = [
    renderFacts(
      [
        ['trial', `${spec.trial} of ${spec.sweep} (${spec.phase})`],
        ['state', record.reason === undefined ? record.state : `${record.state}: ${record.reason}`],
        ['method', spec.method],
        ['dataset', `${spec.dataset.name}, ${spec.dataset.protocol}, normal ${spec.dataset.normal}`],
        ['seed', String(spec.seed)],
        ['hyperparameters', hyperparameterLine(spec.hyperparameters)],
        ['configuration', spec.configuration],
        ['attempts', String(record.attempt)],
        ['reused from', record.reusedFrom && `${record.reusedFrom.trial} of ${record.reusedFrom.sweep}`],
        [
          'checkpoint',
          result === undefined && checkpoint
            ? `step ${count(checkpoint.step)} of attempt ${checkpoint.attempt}`
            : undefined,
        ],
      ],
      style,
    ),
    ...(result === undefined ? [] : [renderResult(result, style)]),
    ...renderAttempts(record.failures, style),
    ...renderArtifacts(artifactLocations, style),
  ];
  return sections.join('\n\n');
}

function renderResult(result: NonNullable<TrialDetail['result']>, style: Style): string {
  const { test, pixel, selection, untrained, backbone, seconds, engine } = result;
  return renderFacts(
    [
      [
        'test AUROC',
        test && `${metric(test.auroc)} (image bootstrap 95 %: ${test.aurocImageInterval.map(metric).join(' to ')})`,
      ],
      ['untrained AUROC', untrained && metric(untrained.auroc)],
      ['backbone', backbone && backboneText(backbone)],
      ['average precision', test && metric(test.averagePrecision)],
      ['F1-max', test && metric(test.f1Max)],
      ['FPR at 95 % TPR', test && metric(test.fprAt95Tpr)],
      [
        'pixel AUROC',
        pixel && `${metric(pixel.auroc)} (defective images alone: ${metric(pixel.aurocDefective ?? undefined)})`,
      ],
      ['pixel AP', pixel && metric(pixel.averagePrecision)],
      ['PRO', pixel && `${metric(pixel.pro)} over ${counted(pixel.regions, 'region')}, ${pixel.height}x${pixel.width}`],
      ['test images', test && `${count(test.normalImages)} normal, ${count(test.anomalousImages)} anomalous`],
      ['selection', selection && `AUROC ${metric(selection.auroc)}, loss ${selection.loss.toPrecision(4)}`],
      ['other scores', result.otherScores && hyperparameterLine(rounded(result.otherScores))],
      ['kept epoch', result.keptEpoch === undefined ? undefined : `${result.keptEpoch} of ${result.epochs ?? '?'}`],
      ['parameters', result.parameters === undefined ? undefined : count(result.parameters)],
      ['time', seconds && `${duration(seconds.train)} training, ${duration(seconds.total)} in all`],
      [
        'speed',
        result.imagesPerSecond === undefined ? undefined : `${count(result.imagesPerSecond)} training images/s`,
      ],
      ['scoring', result.scoredPerSecond === undefined ? undefined : `${count(result.scoredPerSecond)} images/s`],
      [
        'engine',
        engine &&
          `TensorFlow ${engine.tensorflow}, ${engine.gpu ? 'GPU' : 'CPU'}, ${counted(engine.threads, 'thread')}`,
      ],
      [
        'code',
        trainedWith(result) === result.spec.codeVersion
          ? undefined
          : `${trainedWith(result).slice(0, 12)}, not ${result.spec.codeVersion.slice(0, 12)} that it was planned with`,
      ],
      ['failure', result.failure && `${result.failure.code}: ${result.failure.message}`],
    ],
    style,
  );
}

function rounded(values: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, metric(value)]));
}

function renderAttempts(failures: TrialDetail['record']['failures'], style: Style): string[] {
  if (failures.length === 0) return [];
  const lines = failures.map(
    (attempt) => `  attempt ${attempt.attempt}: ${attempt.class}, ${attempt.failure.message} (${attempt.failure.code})`,
  );
  return [[style.bold('Attempts that did not finish'), ...lines].join('\n')];
}

function renderArtifacts(locations: Readonly<Record<string, string>>, style: Style): string[] {
  const entries = Object.entries(locations);
  return entries.length === 0 ? [] : [`${style.bold('Files')}\n${renderFacts(entries, style)}`];
}

export function renderWhy(why: TrialWhy, style: Style): string {
  const lines = why.reasons.map((reason) => `  ${reason.message} ${style.dim(`(${reason.code})`)}`);
  return [`${why.trial} is ${style.bold(why.state)}`, ...lines].join('\n');
}

export function renderLogs(lines: readonly LogLine[], style: Style): string {
  if (lines.length === 0) return 'The trial has logged nothing.';
  return lines.map((line) => renderLogLine(line, style)).join('\n');
}

export function renderLogLine({ at, attempt, level, message }: LogLine, style: Style): string {
  const mark = { debug: style.dim, info: (text: string) => text, warn: style.yellow, error: style.red };
  return `${at}  a${attempt}  ${mark[level](level.padEnd(5))}  ${message}`;
}
