import Table from 'cli-table3';
import type { Style } from './style.js';

/** One column: its head, and how it is laid. */
export interface Column<Row> {
  readonly head: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
}

/** No rules between cells: two spaces, so that lines survive `cut`, `grep` and narrow terminals. */
const BARE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/**
 * Rows as a plain table; never cut to the terminal's width, because an answer is also read by programs.
 *
 * @returns lines without a final newline and without trailing blanks
 */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], style: Style): string {
  const table = new Table({
    chars: BARE,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    head: columns.map((column) => style.bold(column.head)),
    colAligns: columns.map((column) => column.align ?? 'left'),
  });
  for (const row of rows) table.push(columns.map((column) => column.value(row)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Names and values as two columns. */
export function renderFacts(facts: readonly (readonly [string, string | undefined])[], style: Style): string {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value}`).join('\n');
}
