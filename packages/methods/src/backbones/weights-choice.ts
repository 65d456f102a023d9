import { z } from 'zod';

/** The hyperparameter that chooses a backbone's weights: drawn from the trial's seed, or imported ones by their digest. */
export const WeightsChoice = z
  .union([
    z.literal('random'),
    z.string().regex(/^[0-9a-f]{64}$/, 'give random, or a digest of `adctl backbones list`'),
  ])
  .default('random');
