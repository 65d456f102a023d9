import { AdctlError } from '@adctl/protocol';

/** One token of a subject, topic or state key: what NATS, file names and object keys all take unescaped. */
const TOKEN = /^[A-Za-z0-9_-]+$/;

/**
 * Refuses what is not tokens of `[A-Za-z0-9_-]` joined by dots.
 * @param what how the message calls it, e.g. `subject`.
 * @throws AdctlError bug `bad_subject`.
 */
export function assertSubject(subject: string, what = 'subject'): void {
  if (subject.split('.').every((token) => TOKEN.test(token))) return;
  throw badSubject(subject, what);
}

/** Like `assertSubject`; `*` may stand for one token and `>`, as the last token, for one or more. */
export function assertFilter(filter: string): void {
  const tokens = filter.split('.');
  const good = tokens.every(
    (token, index) => token === '*' || TOKEN.test(token) || (token === '>' && index === tokens.length - 1),
  );
  if (!good) throw badSubject(filter, 'filter');
}

/** Whether a subject falls under a filter. Both are taken as valid. */
export function matchesFilter(filter: string, subject: string): boolean {
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return tokens.length > index;
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false;
  }
  return tokens.length === wanted.length;
}

/** Whether a filter names exactly one subject. */
export const isExactFilter = (filter: string): boolean => !/[*>]/.test(filter);

/**
 * The range of subjects that can match a filter, by byte order: `low <= subject < high`. The range is cut by the tokens
 * before the first wildcard, so what lies inside still has to be checked with `matchesFilter`.
 */
export function rangeOfFilter(filter: string): { low: string; high: string } {
  const wildcard = filter.search(/[*>]/);
  if (wildcard < 0) return { low: filter, high: `${filter}\0` };
  // '/' is the character after '.', and '~' comes after every character a token may hold.
  return wildcard === 0
    ? { low: '', high: '~' }
    : { low: filter.slice(0, wildcard), high: `${filter.slice(0, wildcard - 1)}/` };
}

const badSubject = (subject: string, what: string) =>
  new AdctlError(`${JSON.stringify(subject)} is no ${what}: it must be tokens of [A-Za-z0-9_-] joined by dots`, {
    code: 'bad_subject',
    kind: 'bug',
    details: { subject },
  });
