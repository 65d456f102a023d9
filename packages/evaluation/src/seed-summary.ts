import type { SeedSummary } from '@adctl/protocol';
import { mean } from './moments.js';
import { studentInterval } from './student-t.js';

/** Fewer seeds than this get no ±: a spread of two says nothing (design section 8). */
export const FEWEST_SEEDS_FOR_SPREAD = 3;

/**
 * Summarises one metric over seeds.
 *
 * @param bySeed for each seed, the metric of each class; every seed must have the same number of classes.
 * @returns null when there is no seed.
 */
export function summarizeSeeds(bySeed: readonly (readonly number[])[]): SeedSummary | null {
  if (bySeed.length === 0) return null;
  const means = bySeed.map((classes) => mean(classes));
  if (means.length < FEWEST_SEEDS_FOR_SPREAD) {
    return { mean: mean(means), std: null, interval: null, seeds: means.length };
  }
  const { mean: center, std, lower, upper } = studentInterval(means);
  return { mean: center, std, interval: [lower, upper], seeds: means.length };
}
