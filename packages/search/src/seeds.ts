import type { TrialPhase } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';

export interface DrawSeedsOptions {
  /** `search.seed` of the sweep. */
  readonly sweepSeed: number;
  readonly phase: TrialPhase;
  /** 0 or more. */
  readonly count: number;
}

/**
 * Trial seeds of one phase. Search seeds are even and report seeds odd, so no model is ever reported on a seed that
 * helped to choose it, whatever the counts. The first n seeds do not depend on `count`.
 *
 * @returns `count` different integers in [0, 2^32).
 */
export function drawSeeds({ sweepSeed, phase, count }: DrawSeedsOptions): number[] {
  if (!Number.isInteger(count) || count < 0) throw new RangeError(`count must be at least 0, got ${count}`);
  const generator = createGenerator(sweepSeed, 'trial-seeds', phase);
  const lowestBit = phase === 'search' ? 0 : 1;
  const seeds = new Set<number>();
  while (seeds.size < count) seeds.add((generator.uint32() >>> 1) * 2 + lowestBit);
  return [...seeds];
}
