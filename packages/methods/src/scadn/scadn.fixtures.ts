import { createGenerator } from '@adctl/random';
import type { ImageShape, SteppingModel } from '../method.js';
import { Hyperparameters } from './hyperparameters.js';
import { createScadn } from './model.js';

export const GREY_32: ImageShape = { height: 32, width: 32, channels: 1 };

/** A narrow model with these hyperparameters over the defaults. */
export function createModel(
  changes: Partial<Hyperparameters> = {},
  input: ImageShape = GREY_32,
  seed = 1,
): SteppingModel {
  const h = Hyperparameters.parse({ baseChannels: 2, residualBlocks: 1, ...changes });
  return createScadn(h, { input, seed, generator: createGenerator(seed, 'training') });
}
