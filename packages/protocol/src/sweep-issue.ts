/** Where something stands in a sweep file: keys and list positions from the root. */
export type SweepPath = readonly (string | number)[];

/** What kind of mistake an issue is; stable, for tests and tools. */
export type SweepIssueCode =
  | 'syntax'
  | 'unknown_key'
  | 'missing_key'
  | 'wrong_value'
  | 'contradiction'
  | 'unknown_name'
  | 'refused_value';

/** A place in a sweep file, or the `--set` flag that put a value there. */
export interface SweepPlace {
  readonly path: SweepPath;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** The override as given, when the value came from a flag; line and column are then 1. */
  readonly flag?: string | undefined;
}

/** One mistake in a sweep file. */
export interface SweepIssue extends SweepPlace {
  readonly code: SweepIssueCode;
  readonly message: string;
  /** What to write instead. */
  readonly suggestion?: string | undefined;
}

/** `search.space.learningRate.values[1]`; the root is `(file)`. */
export function formatPath(path: SweepPath): string {
  if (path.length === 0) return '(file)';
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}

/** In the file's order, flags last; equal places keep their order. */
export function sortIssues(issues: readonly SweepIssue[]): SweepIssue[] {
  const rank = (issue: SweepIssue) => (issue.flag === undefined ? 0 : 1);
  return [...issues].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

/** One line an issue: `file:line:column  message  (suggestion)`; an overridden value names its flag instead of a place. */
export function formatIssues(issues: readonly SweepIssue[], file: string): string {
  return sortIssues(issues)
    .map((issue) => {
      const place = issue.flag === undefined ? `${file}:${issue.line}:${issue.column}` : `--set ${issue.flag}`;
      return `${place}  ${issue.message}${issue.suggestion === undefined ? '' : `  (${issue.suggestion})`}`;
    })
    .join('\n');
}
