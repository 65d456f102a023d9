import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { ImageShape, SteppingModel } from '../method.js';
import { Hyperparameters } from './hyperparameters.js';
import { createMemae } from './model.js';

export const GREY_28: ImageShape = { height: 28, width: 28, channels: 1 };

/** A narrow model with these hyperparameters over the defaults. */
export function createModel(
  changes: Partial<Hyperparameters> = {},
  input: ImageShape = GREY_28,
  seed = 1,
): SteppingModel {
  const h = Hyperparameters.parse({ stageChannels: [4, 8, 8], memorySize: 10, ...changes });
  return createMemae(h, { input, seed, generator: createGenerator(seed, 'training') });
}

/** The loss terms of one training step as numbers. */
export function lossesOf(model: SteppingModel, images: tf.Tensor4D): Record<string, number> {
  const terms = model.trainStep(images, { epoch: 1, step: 0, positions: new Int32Array(0) });
  const losses = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
  tf.dispose(terms);
  return losses;
}
