/** What goes wrong with a request. */
export type Fault =
  /** The connection is cut before anything is done. */
  | { readonly fault: 'cut-before' }
  /** The write is done, but its answer is lost. */
  | { readonly fault: 'cut-after' }
  | { readonly fault: 'status'; readonly code: 429 | 500 | 503 | 409; readonly retryAfter?: number }
  | { readonly fault: 'slow'; readonly ms: number }
  /** A watch answers and then sends nothing, not even bookmarks. */
  | { readonly fault: 'silent' }
  /** A watch repeats the last changes before its start, the newest first. */
  | { readonly fault: 'echo' };

export interface FaultRule {
  /** Which requests: `create jobs`, `watch pods`, `* events`. */
  readonly match: string;
  /** How many of them; default 1. */
  readonly times?: number;
  readonly what: Fault;
}

/** Faults that are yet to happen. */
export class Faults {
  #rules: { match: string; left: number; what: Fault }[] = [];

  /** Adds a fault for coming requests. */
  inject(rule: FaultRule): void {
    this.#rules.push({ match: rule.match, left: rule.times ?? 1, what: rule.what });
  }

  /** Faults that have not happened yet. */
  get left(): number {
    return this.#rules.reduce((sum, { left }) => sum + left, 0);
  }

  clear(): void {
    this.#rules = [];
  }

  take(verb: string, plural: string): Fault | undefined {
    const rule = this.#rules.find(({ match, left }) => {
      const [wantedVerb, wantedPlural] = match.split(' ');
      return (
        left > 0 && (wantedVerb === '*' || wantedVerb === verb) && (wantedPlural === '*' || wantedPlural === plural)
      );
    });
    if (rule === undefined) return undefined;
    rule.left -= 1;
    return rule.what;
  }
}
