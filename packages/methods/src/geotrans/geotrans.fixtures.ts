import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { gatherImages } from '../kit/batching.js';
import type { ImageReader, ImageShape, SteppingModel } from '../method.js';
import { Hyperparameters } from './hyperparameters.js';
import { createGeotrans } from './model.js';

export const GREY: ImageShape = { height: 28, width: 28, channels: 1 };

/** The narrowest network on eight transformations, unless the changes say otherwise. */
export function createModel(changes: Partial<Hyperparameters> = {}, seed = 1): SteppingModel {
  const h = Hyperparameters.parse({ transforms: 'dihedral8', widenFactor: 1, epochs: 8, ...changes });
  return createGeotrans(h, { input: GREY, seed, generator: createGenerator(seed, 'training') });
}

export function toyBatch(count: number, kind: 'normal' | 'anomalous' = 'normal', seed = 5): tf.Tensor4D {
  return gatherImages(createToyImages({ shape: GREY, count, seed, kind }));
}

/** Toy images as `fit` reads them. */
export function toyReader(count: number, seed = 5): ImageReader {
  const images = createToyImages({ shape: GREY, count, seed, kind: 'normal' });
  return { count, shape: GREY, read: async (positions) => gatherImages(images, positions) };
}

export async function fitModel(
  model: SteppingModel,
  train = toyReader(6),
  calibration = toyReader(4, 9),
): Promise<void> {
  await model.fit!({ train, calibration, signal: new AbortController().signal });
}

/** The loss terms of one step as numbers. */
export function step(model: SteppingModel, images: tf.Tensor4D, pass = 1): Record<string, number> {
  const positions = Int32Array.from({ length: images.shape[0] }, (_, i) => i);
  const terms = model.trainStep(images, { epoch: pass, step: pass - 1, positions });
  const losses = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
  tf.dispose(terms);
  return losses;
}

export function scoresOf(model: SteppingModel, images: tf.Tensor4D, name?: string): number[] {
  return Array.from(model.score(images, name).dataSync());
}
