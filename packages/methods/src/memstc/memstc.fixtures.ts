import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { gatherImages, type ImageSet } from '../kit/batching.js';
import type { FittingImages, ImageReader, ImageShape, SteppingModel } from '../method.js';
import { Hyperparameters } from './hyperparameters.js';
import { createMemstc } from './model.js';

export const GREY_28: ImageShape = { height: 28, width: 28, channels: 1 };

/** A narrow model with these hyperparameters over the defaults. */
export function createModel(
  changes: Partial<Hyperparameters> = {},
  input: ImageShape = GREY_28,
  seed = 1,
): SteppingModel {
  const h = Hyperparameters.parse({ stageChannels: [4, 8], latentSize: 6, ...changes });
  return createMemstc(h, { input, seed, generator: createGenerator(seed, 'training') });
}

export function toyImages(count: number, seed = 5, shape: ImageShape = GREY_28): ImageSet {
  return createToyImages({ shape, count, seed, kind: 'normal' });
}

export function toReader(images: ImageSet): ImageReader {
  return { count: images.count, shape: images.shape, read: async (positions) => gatherImages(images, positions) };
}

export function fittingImages(train: ImageSet, calibration: ImageSet): FittingImages {
  return { train: toReader(train), calibration: toReader(calibration), signal: new AbortController().signal };
}

/** One step on these images of a set, as numbers. */
export function stepOn(model: SteppingModel, images: ImageSet, positions: number[]): Record<string, number> {
  const batch = gatherImages(images, positions);
  const terms = model.trainStep(batch, { epoch: 1, step: 0, positions: Int32Array.from(positions) });
  const losses = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
  tf.dispose([batch, ...Object.values(terms)]);
  return losses;
}

/** What a buffer of the model holds, as rows. */
export function bufferRows(model: SteppingModel, name: string): number[][] {
  const { shape, data } = model.buffers![name]!.read();
  const size = data.length / (shape[0] || 1);
  return Array.from({ length: shape[0]! }, (_, i) => Array.from(data.subarray(i * size, (i + 1) * size)));
}
