import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { ImageShape, Model, SteppingModel } from '../method.js';
import { Hyperparameters } from './hyperparameters.js';
import { createDae } from './model.js';

export const GREY_28: ImageShape = { height: 28, width: 28, channels: 1 };

/** A model with these hyperparameters over the defaults. */
export function createModel(
  changes: Partial<Hyperparameters> = {},
  input: ImageShape = GREY_28,
  seed = 1,
): SteppingModel {
  const generator = createGenerator(seed, 'training');
  return createDae(Hyperparameters.parse(changes), { input, seed, generator });
}

/** Sets every weight and bias of a model to zero. */
export function zeroWeights(model: Model): void {
  for (const network of Object.values(model.networks)) {
    for (const { variable } of network.trainable) tf.tidy(() => variable.assign(tf.zeros(variable.shape)));
  }
}

/** The losses of one training step as numbers. */
export function lossesOf(model: SteppingModel, images: tf.Tensor): Record<string, number> {
  const terms = model.trainStep(images as tf.Tensor4D, { epoch: 1, step: 0, positions: new Int32Array(0) });
  const losses = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
  tf.dispose(terms);
  return losses;
}

export function scoresOf(model: Model, images: tf.Tensor, name?: string): number[] {
  return Array.from(model.score(images as tf.Tensor4D, name).dataSync());
}
