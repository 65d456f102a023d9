import { distance } from 'fastest-levenshtein';

/** The known name a person most likely meant, or undefined when none is near (at most a third of the letters wrong, at least two). */
export function closest(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: { name: string; edits: number } | undefined;
  for (const candidate of known) {
    const edits = distance(wanted, candidate.toLowerCase());
    if (best === undefined || edits < best.edits) best = { name: candidate, edits };
  }
  return best !== undefined && best.edits <= Math.max(2, Math.floor(name.length / 3)) ? best.name : undefined;
}
