import type { ErrorKind, Failure } from '@adctl/protocol';
import type { Style } from './style.js';

/** First word of an error, by whose move it is. */
const LABELS: Readonly<Record<ErrorKind, string>> = {
  user: 'Error',
  transient: 'Try again later',
  permanent: 'Failed',
  bug: 'Bug',
};

/**
 * A failure for people: label, message, hint. Bugs keep their stack and say where to report them; nobody else sees one.
 *
 * @returns lines without a final newline
 */
export function renderFailure(failure: Failure, style: Style, reportHint: string): string {
  const lines = [`${style.red(style.bold(`${LABELS[failure.kind]}:`))} ${failure.message}`];
  if (failure.kind === 'bug') {
    lines.push(...stackLines(failure).map(style.dim), reportHint);
  } else {
    lines.push(...causeLines(failure).map(style.dim));
  }
  if (failure.hint !== undefined) lines.push(`${style.cyan('Hint:')} ${failure.hint}`);
  return lines.join('\n');
}

/** The stack without its first line, which repeats the message; causes included, since nobody can guess them. */
function stackLines(failure: Failure): string[] {
  const own = (failure.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  const cause =
    failure.cause === undefined ? [] : [`caused by: ${failure.cause.message}`, ...stackLines(failure.cause)];
  return [...own, ...cause];
}

/** Messages of the causes that say something new. */
function causeLines(failure: Failure): string[] {
  const { cause } = failure;
  if (cause === undefined) return [];
  const own = failure.message.includes(cause.message) ? [] : [`  because: ${cause.message}`];
  return [...own, ...causeLines(cause)];
}
