import type { MethodShowAnswer, MethodSummary, NetworkRow } from '../answers/methods.js';
import type { Style } from './style.js';
import { renderFacts, renderTable } from './table.js';
import { count, metric, plainValue, shape } from './values.js';

export function renderMethods(methods: readonly MethodSummary[], style: Style): string {
  return renderTable(
    methods,
    [
      { head: 'METHOD', value: (method) => method.name },
      { head: 'TITLE', value: (method) => method.title },
      { head: 'FAMILY', value: (method) => method.family },
      { head: 'PAPER', value: (method) => `${method.paper.venue} ${method.paper.year}` },
    ],
    style,
  );
}

export function renderMethod(method: MethodShowAnswer, style: Style): string {
  const { paper } = method;
  const source = [paper.arxiv && `arXiv:${paper.arxiv}`, paper.doi && `doi:${paper.doi}`].filter(Boolean).join(', ');
  const sections = [
    `${style.bold(method.title)} (${method.name}), ${method.family}`,
    renderFacts(
      [
        [
          'paper',
          `${paper.authors}: ${paper.title}. ${paper.venue}, ${paper.year}${source === '' ? '' : ` (${source})`}`,
        ],
        ['evidence', method.evidence],
        ['scores', method.scores.join(', ')],
        ['judged by', method.judgedScore],
        ['keeps', Object.values(method.checkpointRule).map(plainValue).join(' ')],
      ],
      style,
    ),
    ...method.warnings.map((warning) => style.yellow(`Warning: ${warning}`)),
    `${style.bold('Hyperparameters')} (presets for ${sizeOf(method)})`,
    renderHyperparameters(method, style),
    renderSearchSpace(method, style),
    ...renderNetworks(method, style),
    renderPublished(method, style),
  ];
  return sections.join('\n\n');
}

function sizeOf({ input }: MethodShowAnswer): string {
  return `${input.height}x${input.width}x${input.channels}`;
}

function renderHyperparameters(method: MethodShowAnswer, style: Style): string {
  const presets = Object.keys(method.hyperparameters[0]?.presets ?? {});
  return renderTable(
    method.hyperparameters,
    [
      { head: 'NAME', value: (row) => row.name },
      { head: 'LEGAL', value: (row) => row.legal },
      { head: 'DEFAULT', value: (row) => plainValue(row.default) },
      ...presets.map((preset) => ({
        head: preset.toUpperCase(),
        value: (row: MethodShowAnswer['hyperparameters'][number]) => plainValue(row.presets[preset]),
      })),
    ],
    style,
  );
}

function renderSearchSpace(method: MethodShowAnswer, style: Style): string {
  const lines = Object.entries(method.searchSpace).map(([name, from]) => `  ${name}: ${JSON.stringify(from)}`);
  return [style.bold('Worth trying'), ...lines].join('\n');
}

function renderNetworks(method: MethodShowAnswer, style: Style): string[] {
  if (method.refused !== null) return [style.red(`Refused for ${sizeOf(method)}: ${method.refused}`)];
  return [
    `${style.bold('Networks')} for ${sizeOf(method)}, preset ${method.preset}: ${parameters(method.parameters)}`,
    ...method.networks.map((network) => renderNetwork(network, style)),
  ];
}

function renderNetwork(network: NetworkRow, style: Style): string {
  const head = `${style.bold(network.name)} ${shape(network.input)} -> ${shape(network.output)}, ${parameters(network)}${network.frozen ? ', frozen' : ''}`;
  const table = renderTable(
    network.layers,
    [
      { head: 'LAYER', value: (layer) => layer.name },
      { head: 'KIND', value: (layer) => layer.kind },
      { head: 'OUTPUT', value: (layer) => shape(layer.output) },
      { head: 'PARAMETERS', align: 'right', value: (layer) => count(layer.trainable + layer.nonTrainable) },
    ],
    style,
  );
  return `${head}\n${table}`;
}

function parameters(counts: { trainable: number; nonTrainable: number }): string {
  const fixed = counts.nonTrainable === 0 ? '' : ` and ${count(counts.nonTrainable)} not trained by gradient`;
  return `${count(counts.trainable)} trainable parameters${fixed}`;
}

const METRIC_NAMES: Readonly<Record<MethodShowAnswer['published'][number]['metric'], string>> = {
  auroc: 'AUROC',
  pixelAuroc: 'pixel AUROC',
  aurocDefective: 'pixel AUROC, defective images alone',
  pro: 'PRO',
};

function renderPublished(method: MethodShowAnswer, style: Style): string {
  if (method.published.length === 0) return 'No published figures are recorded.';
  const table = renderTable(
    method.published,
    [
      { head: 'DATASET', value: (row) => row.dataset },
      { head: 'PROTOCOL', value: (row) => row.protocol },
      { head: 'CLASS', value: (row) => row.normal ?? `${row.anomalous} anomalous` },
      { head: 'METRIC', value: (row) => METRIC_NAMES[row.metric] },
      { head: 'VALUE', align: 'right', value: (row) => metric(row.value) },
      { head: 'REPRODUCED', value: (row) => (row.reproduced ? 'yes' : 'not publicly') },
      { head: 'SOURCE', value: (row) => row.source },
    ],
    style,
  );
  return `${style.bold('Published figures')}\n${table}`;
}
