import { METHODS } from '@adctl/methods';
import {
  engineText,
  type Leaderboard,
  type LeaderboardClass,
  type LeaderboardGroup,
  type LeaderboardRow,
  type PublishedFigure,
  type PublishedPixelFigure,
  type SeedSummary,
} from '@adctl/protocol';
import type { Style } from './style.js';
import { type Column, renderTable } from './table.js';
import { backboneText, counted, duration, hyperparameterLine, metric } from './values.js';

/** Every group with its rows, its classes, the chosen hyperparameters and the footnotes that its numbers need. */
export function renderLeaderboard(board: Leaderboard, style: Style): string {
  const leftOut = (board.leftOut ?? []).map(({ sweep, reason }) => style.red(`${sweep} is left out: ${reason}`));
  const groups = board.groups.map((group) => renderGroup(group, style));
  return [...(groups.length === 0 ? ['No results yet.'] : groups), ...leftOut].join('\n\n');
}

function renderGroup(group: LeaderboardGroup, style: Style): string {
  const head = `${style.bold(`${group.dataset}, ${group.protocol}`)}, normal ${group.classes.join(', ')} (split seed ${group.splitSeed}, data ${group.dataDigest.slice(0, 12)})`;
  const hasMaps = group.rows.some((row) => row.pixelAuroc !== null);
  const hasBackbones = group.rows.some((row) => row.backbone !== null);
  const columns = [
    ...ROW_COLUMNS.filter((column) => hasBackbones || column !== BACKBONE_COLUMN).flatMap((column) =>
      column.head === 'FPR@95TPR' && hasMaps ? [column, ...PIXEL_COLUMNS] : [column],
    ),
    ...pixelFigureColumns(group.rows),
  ];
  return [
    `${head}\n${renderTable(group.rows, columns, style)}`,
    ...renderClasses(group, style),
    ...renderChosen(group, style),
    renderFootnotes(group, style),
  ].join('\n\n');
}

const BACKBONE_COLUMN: Column<LeaderboardRow> = {
  head: 'BACKBONE',
  value: (row) => (row.backbone === null ? '-' : backboneText(row.backbone)),
};

const ROW_COLUMNS: readonly Column<LeaderboardRow>[] = [
  { head: 'RANK', align: 'right', value: (row) => (row.rank === null ? '-' : String(row.rank)) },
  { head: 'METHOD', value: (row) => row.method },
  BACKBONE_COLUMN,
  { head: 'AUROC', value: (row) => spread(row.auroc) },
  { head: '95 % INTERVAL', value: (row) => interval(row.auroc) },
  { head: 'UNTRAINED', value: (row) => spread(row.untrainedAuroc) },
  { head: 'SELECTION', value: (row) => metric(row.selectionAuroc?.mean) },
  { head: 'AP', value: (row) => metric(row.averagePrecision?.mean) },
  { head: 'FPR@95TPR', value: (row) => metric(row.fprAt95Tpr?.mean) },
  { head: 'SEEDS', align: 'right', value: (row) => String(row.seeds.length) },
  { head: 'TRIED', align: 'right', value: (row) => String(row.configurationsTried) },
  { head: 'COMPUTE', align: 'right', value: (row) => duration(row.searchSeconds + row.reportSeconds) },
  { head: 'FAILED', value: (row) => failures(row) },
  { head: 'PUBLISHED', value: (row) => published(row.published) },
  { head: 'DIFFERENCE', align: 'right', value: (row) => difference(row.published) },
];

/** Shown where a data set has masks and a method maps. */
const PIXEL_COLUMNS: readonly Column<Pick<LeaderboardRow, 'pixelAuroc' | 'pro'>>[] = [
  { head: 'PIXEL AUROC', value: (row) => spread(row.pixelAuroc) },
  { head: 'PRO', value: (row) => spread(row.pro) },
];

type WithPixelFigures = Pick<LeaderboardRow, 'publishedPixelAuroc' | 'publishedPro'>;

/** What papers claim for pixels, where any does: each figure under the name of its metric. */
function pixelFigureColumns(rows: readonly WithPixelFigures[]): Column<WithPixelFigures>[] {
  const metrics = [
    ['PIXEL AUROC', (row: WithPixelFigures) => row.publishedPixelAuroc],
    ['PRO', (row: WithPixelFigures) => row.publishedPro],
  ] as const;
  return metrics.flatMap(([name, figureOf]): Column<WithPixelFigures>[] =>
    rows.every((row) => figureOf(row) === null)
      ? []
      : [
          { head: `PUBLISHED ${name}`, value: (row) => published(figureOf(row)) },
          { head: 'DIFFERENCE', align: 'right', value: (row) => difference(figureOf(row)) },
        ],
  );
}

function renderClasses(group: LeaderboardGroup, style: Style): string[] {
  if (group.classes.length < 2) return [];
  const rows = group.rows.flatMap((row) => row.classes.map((cell) => ({ row, cell })));
  const columns: Column<{ row: LeaderboardRow; cell: LeaderboardClass }>[] = [
    { head: 'NORMAL', value: ({ cell }) => cell.normal },
    { head: 'METHOD', value: ({ row }) => row.method },
    { head: 'CONFIGURATION', value: ({ row }) => row.configuration ?? '-' },
    { head: 'AUROC', value: ({ cell }) => spread(cell.auroc) },
    { head: '95 % INTERVAL', value: ({ cell }) => interval(cell.auroc) },
    { head: 'UNTRAINED', value: ({ cell }) => spread(cell.untrainedAuroc) },
    { head: 'AP', value: ({ cell }) => metric(cell.averagePrecision?.mean) },
    { head: 'FPR@95TPR', value: ({ cell }) => metric(cell.fprAt95Tpr?.mean) },
    ...(rows.some(({ cell }) => cell.pixelAuroc !== null)
      ? PIXEL_COLUMNS.map(({ head, value }) => ({ head, value: ({ cell }: (typeof rows)[number]) => value(cell) }))
      : []),
    { head: 'PUBLISHED', value: ({ cell }) => published(cell.published) },
    { head: 'DIFFERENCE', align: 'right', value: ({ cell }) => difference(cell.published) },
    ...pixelFigureColumns(rows.map(({ cell }) => cell)).map((column) => ({
      ...column,
      value: ({ cell }: (typeof rows)[number]) => column.value(cell),
    })),
  ];
  const order = new Map(group.classes.map((name, index) => [name, index]));
  rows.sort((a, b) => (order.get(a.cell.normal) ?? 0) - (order.get(b.cell.normal) ?? 0));
  return [`${style.bold('By normal class')}\n${renderTable(rows, columns, style)}`];
}

/** Which code trained each row, and with what, as far as it differs from its method's defaults. */
function renderChosen(group: LeaderboardGroup, style: Style): string[] {
  const lines = group.rows.flatMap((row) => {
    if (row.hyperparameters === null || row.configuration === null) return [];
    const chosen = hyperparameterLine(withoutDefaults(row.method, row.hyperparameters));
    const code = row.codeVersions.map((digest) => digest.slice(0, 12)).join(' + ');
    return [
      `  ${row.method} ${style.dim(row.configuration)}  code ${code}  ${chosen === '' ? 'all defaults' : chosen}`,
    ];
  });
  return lines.length === 0
    ? []
    : [[`${style.bold('Code and hyperparameters')} other than the defaults`, ...lines].join('\n')];
}

function withoutDefaults(method: string, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const defaults: Readonly<Record<string, unknown>> = {
    ...METHODS.find((card) => card.name === method)?.hyperparameters.parse({}),
  };
  const same = (name: string, value: unknown) => JSON.stringify(defaults[name]) === JSON.stringify(value);
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => !same(name, value)));
}

function renderFootnotes(group: LeaderboardGroup, style: Style): string {
  const { rows } = group;
  const few = rows.some((row) => row.auroc !== null && row.auroc.std === null);
  const figures = rows.flatMap((row) =>
    [row, ...row.classes].flatMap((cell) => [cell.published, cell.publishedPixelAuroc, cell.publishedPro]),
  );
  const byMethod = [...Map.groupBy(rows, ({ method }) => method)];
  const severalRanked = byMethod.flatMap(([method, own]) => {
    const ranked = own.filter(({ rank }) => rank !== null).length;
    if (ranked < 2) return [];
    return [`${method}'s first row is the best of ${ranked} on the test images; nothing else chose between them.`];
  });
  const changed = byMethod.filter(([, own]) => new Set(own.flatMap((row) => row.codeVersions)).size > 1);
  const engines = byMethod.map(([method, own]) => {
    return { method, used: [...new Set(own.flatMap((row) => row.engines.map(engineText)))] };
  });
  const notes = [
    'AUROC is the mean ± standard deviation over report seeds of the test AUROC; classes are averaged within a seed first. The interval is Student t over those seeds.',
    ...(severalRanked.length === 0 ? ['Report seeds were never used to choose anything.'] : []),
    ...severalRanked,
    'Tried counts the different configurations of the method here, searched or reported, over all sweeps shown. Compute is at least the time that all its searches and the row took, failed attempts included, cancelled ones not.',
    ...(few ? ['Fewer than three report seeds: no ± and no interval, because a spread of two says nothing.'] : []),
    'Untrained is the same network before its first step on the same test images: what learning has to beat. Selection is what ranking saw: held-out normals against synthetic anomalies.',
    ...(rows.some((row) => row.pixelAuroc !== null)
      ? [
          'Pixel AUROC and PRO compare anomaly maps with the true masks at the size that the models see. PRO is the per-region overlap averaged over false positive rates up to 0.3; a constant map has 0.15.',
        ]
      : []),
    ...(figures.some((figure) => figure !== null)
      ? [
          `Published figures are the papers' own${figures.some((figure) => figure?.reproduced === false) ? '; those with * nobody has reproduced publicly' : ''}.`,
        ]
      : []),
    ...(rows.some((row) => row.backbone?.weights === 'random')
      ? ['A random backbone has untrained weights, drawn from the seed: never set its numbers beside published ones.']
      : []),
    ...changed.map(
      ([method]) => `The numbers of ${method} come from different versions of its code; compare with care.`,
    ),
    ...engines.flatMap(({ method, used }) =>
      used.length < 2
        ? []
        : [`The numbers of ${method} come from different engines (${used.join('; ')}); compare with care.`],
    ),
    ...rows.flatMap(({ method, configuration, olderTrials }) =>
      olderTrials === 0
        ? []
        : [`${method} ${configuration} leaves out ${counted(olderTrials, 'report trial')} that older code computed.`],
    ),
    ...rows.flatMap((row) =>
      row.unrankedReason === null
        ? []
        : [`${row.method} ${row.configuration ?? ''} has no rank: ${row.unrankedReason}.`.replace('  ', ' ')],
    ),
  ];
  return notes.map((note) => style.dim(`  ${note}`)).join('\n');
}

/** `0.9314 ± 0.0042`, or the mean alone below three seeds. */
function spread(summary: SeedSummary | null): string {
  if (summary === null) return '-';
  return summary.std === null ? metric(summary.mean) : `${metric(summary.mean)} ± ${metric(summary.std)}`;
}

function interval(summary: SeedSummary | null): string {
  return summary === null || summary.interval === null ? '-' : summary.interval.map(metric).join(' to ');
}

function published(figure: PublishedFigure | PublishedPixelFigure | null): string {
  if (figure === null) return '-';
  return `${metric('auroc' in figure ? figure.auroc : figure.value)}${figure.reproduced ? '' : '*'}`;
}

function difference(figure: Pick<PublishedFigure, 'difference'> | null): string {
  const value = figure?.difference ?? null;
  return value === null ? '-' : `${value < 0 ? '-' : '+'}${metric(Math.abs(value))}`;
}

/** Trials that ended badly, before a retry too, then failed attempts by class: `1 failed; retried: 1 diverged; attempts: 2 node-lost`. */
function failures(row: LeaderboardRow): string {
  const badOf = (counts: LeaderboardRow['endings']) =>
    (['failed', 'diverged', 'infeasible'] as const).flatMap((state) =>
      counts[state] ? [`${counts[state]} ${state}`] : [],
    );
  const [bad, retried] = [badOf(row.endings), badOf(row.retried)];
  const attempts = Object.entries(row.failures).map(([name, times]) => `${times} ${name}`);
  const parts = [
    ...bad,
    ...(retried.length > 0 ? [`retried: ${retried.join(', ')}`] : []),
    ...(attempts.length > 0 ? [`attempts: ${attempts.join(', ')}`] : []),
  ];
  return parts.length === 0 ? '-' : parts.join('; ');
}
