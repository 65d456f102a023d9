import { AdctlError } from '@adctl/protocol';
import type { Clock } from '../clock.js';

/** Characters of one part: at most three bytes each, so that a part fits into the smallest message a server takes by default. */
const PART_CHARACTERS = 250_000;
/** How long the rest of an answer is kept for whoever asked, and for how many at once. */
const KEPT_MS = 60_000;
const MOST_KEPT = 32;

/** Cuts a text into parts, never inside a character. */
export function toParts(text: string): string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + PART_CHARACTERS, text.length);
    if (end < text.length && isLowSurrogate(text.charCodeAt(end))) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** Answers that are too large for one message, while those who asked fetch them. */
export class KeptAnswers {
  readonly #kept = new Map<string, { readonly caller: string; readonly parts: readonly string[] }>();

  constructor(private readonly clock: Clock) {}

  /** @returns the token under which this caller, and nobody else, gets the parts. */
  keep(caller: string, parts: readonly string[]): string {
    const token = crypto.randomUUID();
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(token, { caller, parts });
    this.clock.after(KEPT_MS, () => this.#kept.delete(token));
    return token;
  }

  /** @throws AdctlError transient `controller_unreachable` when it is not, or no longer, here. */
  part(caller: string, token: string, index: number): string {
    const answer = this.#kept.get(token);
    const part = answer?.caller === caller ? answer.parts[index] : undefined;
    if (part !== undefined) return part;
    throw new AdctlError('the rest of the answer is not there any more', {
      code: 'controller_unreachable',
      kind: 'transient',
      hint: 'Ask again.',
    });
  }
}
