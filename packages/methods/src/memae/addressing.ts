/** How queries find their slots. */
export interface Addressing {
  /** `cosine` (paper), `dot` (authors' code), `scaled-dot`: the inner product divided by sqrt(C) (ours). */
  readonly similarity: 'cosine' | 'dot' | 'scaled-dot';
  /** tau: divides the similarities, above 0. */
  readonly temperature: number;
  /** lambda: a weight survives shrinkage when it is larger; 0 switches shrinkage off. */
  readonly threshold: number;
  /** What becomes of a query none of whose weights survives: its largest weight is kept alone, or it reads zero. */
  readonly deadPolicy: 'keep-max' | 'zero';
}

/**
 * Largest weight that any query can give a slot, or 1 where similarities have no bound: for cosines the one that meets
 * a slot exactly while all others point away from it, `e^(1/tau) / (e^(1/tau) + (N - 1) e^(-1/tau))`.
 */
export function largestPossibleWeight(
  similarity: Addressing['similarity'],
  temperature: number,
  slots: number,
): number {
  return similarity === 'cosine' ? 1 / (1 + (slots - 1) * Math.exp(-2 / temperature)) : 1;
}
