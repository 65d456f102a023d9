import type { EngineUse, Leaderboard, LeaderboardClass, LeaderboardGroup, LeaderboardRow } from '@adctl/protocol';

interface Line {
  readonly group: LeaderboardGroup;
  readonly row: LeaderboardRow;
  /** A class of the row, or the row's own mean over classes. */
  readonly cell: LeaderboardClass | (LeaderboardRow & { readonly normal: 'mean' });
}

const COLUMNS: readonly (readonly [string, (line: Line) => unknown])[] = [
  ['dataset', ({ group }) => group.dataset],
  ['protocol', ({ group }) => group.protocol],
  ['classes', ({ group }) => group.classes.join(' ')],
  ['split_seed', ({ group }) => group.splitSeed],
  ['data_digest', ({ group }) => group.dataDigest],
  ['rank', ({ row }) => row.rank],
  ['method', ({ row }) => row.method],
  ['configuration', ({ row }) => row.configuration],
  ['backbone', ({ row }) => row.backbone?.architecture],
  ['backbone_weights', ({ row }) => row.backbone?.weights],
  ['normal', ({ cell }) => cell.normal],
  ['auroc_mean', ({ cell }) => cell.auroc?.mean],
  ['auroc_std_over_seeds', ({ cell }) => cell.auroc?.std],
  ['auroc_t95_lower', ({ cell }) => cell.auroc?.interval?.[0]],
  ['auroc_t95_upper', ({ cell }) => cell.auroc?.interval?.[1]],
  ['average_precision_mean', ({ cell }) => cell.averagePrecision?.mean],
  ['fpr_at_95_tpr_mean', ({ cell }) => cell.fprAt95Tpr?.mean],
  ['untrained_auroc_mean', ({ cell }) => cell.untrainedAuroc?.mean],
  ['pixel_auroc_mean', ({ cell }) => cell.pixelAuroc?.mean],
  ['pixel_auroc_std_over_seeds', ({ cell }) => cell.pixelAuroc?.std],
  ['pixel_average_precision_mean', ({ cell }) => cell.pixelAveragePrecision?.mean],
  ['pro_mean', ({ cell }) => cell.pro?.mean],
  ['pro_std_over_seeds', ({ cell }) => cell.pro?.std],
  ['selection_auroc_mean', ({ row, cell }) => (cell.normal === 'mean' ? row.selectionAuroc?.mean : undefined)],
  ['report_seeds', ({ cell }) => cell.auroc?.seeds],
  ['published_auroc', ({ cell }) => cell.published?.auroc],
  ['published_reproduced', ({ cell }) => cell.published?.reproduced],
  ['published_difference', ({ cell }) => cell.published?.difference],
  ['published_pixel_auroc', ({ cell }) => cell.publishedPixelAuroc?.value],
  ['published_pixel_auroc_difference', ({ cell }) => cell.publishedPixelAuroc?.difference],
  ['published_pro', ({ cell }) => cell.publishedPro?.value],
  ['published_pro_difference', ({ cell }) => cell.publishedPro?.difference],
  ['configurations_tried', ({ row }) => row.configurationsTried],
  ['search_seconds', ({ row }) => row.searchSeconds],
  ['report_seconds', ({ row }) => row.reportSeconds],
  ['endings', ({ row }) => counts(row.endings)],
  ['endings_before_retries', ({ row }) => counts(row.retried)],
  ['failed_attempts', ({ row }) => counts(row.failures)],
  ['parameters', ({ row }) => row.parameters],
  ['trained_per_second', ({ row }) => row.trainedPerSecond],
  ['scored_per_second', ({ row }) => row.scoredPerSecond],
  ['code_versions', ({ row }) => row.codeVersions.join(' ')],
  ['report_trials_of_older_code', ({ row }) => row.olderTrials],
  ['engines', ({ row }) => row.engines.map(engineName).join(' ')],
  ['unranked_reason', ({ row }) => row.unrankedReason],
  ['hyperparameters', ({ row }) => (row.hyperparameters === null ? undefined : JSON.stringify(row.hyperparameters))],
];

/** One line for each row's mean over classes, then one for each of its classes; numbers in full (RFC 4180). */
export function renderLeaderboardCsv(board: Leaderboard): string {
  const lines = board.groups.flatMap((group) =>
    group.rows.flatMap((row): Line[] => [
      { group, row, cell: { ...row, normal: 'mean' } },
      ...row.classes.map((cell) => ({ group, row, cell })),
    ]),
  );
  const header = COLUMNS.map(([name]) => name).join(',');
  return [header, ...lines.map((line) => COLUMNS.map(([, value]) => csvCell(value(line))).join(','))].join('\n');
}

/** `2.21.0/cpu/1`: TensorFlow, device, threads. */
function engineName(engine: EngineUse | null): string {
  return engine === null ? 'unknown' : [engine.tensorflow, engine.gpu ? 'gpu' : 'cpu', engine.threads].join('/');
}

/** `completed=4 diverged=2` */
function counts(named: Readonly<Partial<Record<string, number>>>): string {
  return Object.entries(named)
    .map(([name, count]) => `${name}=${count}`)
    .join(' ');
}

function csvCell(value: unknown): string {
  const text = value === undefined || value === null ? '' : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
