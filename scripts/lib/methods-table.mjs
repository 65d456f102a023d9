/**
 * The tables of docs/methods.md, from what adctl answers with `--json`; nothing in them is written by hand but what the papers'
 * own descriptions lead one to expect.
 */

/** The table stands between these lines; what is around them stays. */
export const BEGIN = '<!-- made by npm run zoo: begin -->';
export const END = '<!-- made by npm run zoo: end -->';

/**
 * @typedef {{ mean: number, std: number | null, seeds: number } | null} Summary
 * @typedef {{ name: string, family: string }} Method
 */

/**
 * One table a group of the leaderboard.
 *
 * @param {{ groups: readonly any[] }} board `adctl leaderboard --json`
 * @param {readonly Method[]} methods `adctl methods list --json`
 * @param {Readonly<Record<string, Readonly<Record<string, string>>>>} expected by data set and method
 * @returns {string}
 */
export function renderTables(board, methods, expected) {
  return board.groups.map((group) => renderGroup(group, methods, expected[group.dataset] ?? {})).join('\n\n');
}

function renderGroup(group, methods, expected) {
  const hasMaps = group.rows.some((row) => row.pixelAuroc !== null);
  const columns = [
    ['method', (row) => `\`${row.method}\``],
    ['family', (row) => methods.find(({ name }) => name === row.method)?.family ?? '-'],
    ['parameters', (row) => count(row.parameters)],
    ['seconds per 1,000 images trained', (row) => per1000(row.trainedPerSecond)],
    ['scored', (row) => per1000(row.scoredPerSecond)],
    ['AUROC', (row) => spread(row.auroc)],
    ['seeds', (row) => String(row.seeds.length)],
    ['untrained', (row) => spread(row.untrainedAuroc)],
    ...(hasMaps
      ? [
          ['pixel AUROC', (row) => spread(row.pixelAuroc)],
          ['PRO', (row) => spread(row.pro)],
        ]
      : []),
    ['paper', (row) => paperFigure(row, 'published')],
    ...(hasFigure(group, 'publishedPixelAuroc')
      ? [['paper, pixel AUROC', (row) => paperFigure(row, 'publishedPixelAuroc')]]
      : []),
    ...(hasFigure(group, 'publishedPro') ? [['paper, PRO', (row) => paperFigure(row, 'publishedPro')]] : []),
    ['expected', (row) => expected[row.method] ?? '-'],
    ['note', (row) => row.unrankedReason ?? ''],
  ];
  const lines = [
    `**${group.dataset}, ${group.protocol}, normal ${group.classes.join(', ')}** (data ${group.dataDigest.slice(0, 12)})`,
    '',
    `| ${columns.map(([head]) => head).join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...group.rows.map((row) => `| ${columns.map(([, value]) => value(row)).join(' | ')} |`),
  ];
  return lines.join('\n');
}

/**
 * Puts tables between the marks of a page.
 *
 * @param {string} page
 * @param {string} tables
 * @returns {string}
 */
export function replaceTables(page, tables) {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the page lacks the lines "${BEGIN}" and "${END}"`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${tables}\n\n${page.slice(to)}`;
}

/** @param {Summary} summary */
function spread(summary) {
  if (summary === null) return '-';
  const center = summary.mean.toFixed(3);
  return summary.std === null ? center : `${center} ± ${summary.std.toFixed(3)}`;
}

function hasFigure(group, field) {
  return group.rows.some((row) => figureOf(row, field) !== null);
}

/** A row of one class has the figure of that class. */
function figureOf(row, field) {
  return row[field] ?? (row.classes.length === 1 ? (row.classes[0][field] ?? null) : null);
}

/** The image-level figure carries its value as `auroc`, the pixel-level ones as `value`. */
function paperFigure(row, field) {
  const figure = figureOf(row, field);
  if (figure === null) return '-';
  return `${(figure.auroc ?? figure.value).toFixed(3)}${figure.reproduced ? '' : ' (never reproduced publicly)'}`;
}

/** @param {number | null} perSecond */
function per1000(perSecond) {
  return perSecond === null ? '-' : (1000 / perSecond).toPrecision(2);
}

/** @param {number | null} value */
function count(value) {
  return value === null ? '-' : value.toLocaleString('en-US');
}
