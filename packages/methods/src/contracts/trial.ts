import { createGenerator, type RandomGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { gatherImages, type ImageSet, planEpoch } from '../kit/batching.js';
import type { CommonHyperparameters, ImageReader, ImageShape, MethodCard, Model } from '../method.js';

/** A model, its stream of chance, and toy images to feed it: one trial in miniature. */
export interface ToyTrial {
  readonly model: Model;
  readonly generator: RandomGenerator;
  readonly hyperparameters: CommonHyperparameters;
  readonly images: ImageSet;
  /** Runs steps `from` (from 0) to `to`, exclusive; returns the losses of each by name: none where a model only fits. */
  train(from: number, to: number): Record<string, number>[];
  /** Completes the model, where it has anything to fit, as a worker does after the last step. */
  fit(): Promise<void>;
  dispose(): void;
}

export interface ToyTrialOptions {
  readonly card: MethodCard;
  readonly hyperparameters: CommonHyperparameters;
  readonly input: ImageShape;
  /** Decides the order of the images and, unless `modelSeed` is given, weights and noise. */
  readonly seed: number;
  /** Another seed for weights and noise, to tell a restored state from an equal beginning. */
  readonly modelSeed?: number;
  /** Normal toy images to train on. */
  readonly imageCount: number;
  /** Trains on these instead. */
  readonly images?: ImageSet;
}

/** Held-out normal toy images for the constants of scores. */
const CALIBRATION_COUNT = 8;

/** Creates a model as a worker does; equal options make equal trials. */
export async function createToyTrial(options: ToyTrialOptions): Promise<ToyTrial> {
  const { card, hyperparameters, input, seed, modelSeed = seed, imageCount } = options;
  const createModel = await card.load();
  const generator = createGenerator(modelSeed, 'training');
  const model = await createModel(hyperparameters, { input, seed: modelSeed, generator });
  const { images = createToyImages({ shape: input, count: imageCount, seed: 77, kind: 'normal' }) } = options;
  const calibration = createToyImages({ shape: input, count: CALIBRATION_COUNT, seed: 79, kind: 'normal' });
  await model.prepare?.(toReader(images));
  const batchesOf = (epoch: number) =>
    planEpoch({
      count: imageCount,
      batchSize: hyperparameters.batchSize,
      seed,
      epoch,
      dropLastBatch: card.dropLastBatch,
    });
  const perEpoch = batchesOf(1).length;

  return {
    model,
    generator,
    hyperparameters,
    images,
    train(from, to) {
      const losses: Record<string, number>[] = [];
      if (model.trainStep === undefined) return losses;
      for (let step = from; step < to; step++) {
        const epoch = Math.floor(step / perEpoch) + 1;
        const positions = batchesOf(epoch)[step % perEpoch]!;
        const batch = gatherImages(images, positions);
        losses.push(readLosses(model.trainStep(batch, { epoch, step, positions })));
        batch.dispose();
      }
      return losses;
    },
    async fit() {
      const { signal } = new AbortController();
      await model.fit?.({ train: toReader(images), calibration: toReader(calibration), signal });
    },
    dispose: () => model.dispose(),
  };
}

/** Images as `prepare` and `fit` read them. */
export function toReader(images: ImageSet): ImageReader {
  return { count: images.count, shape: images.shape, read: async (positions) => gatherImages(images, positions) };
}

/** Reads and frees the scalars a step returns. */
export function readLosses(terms: Readonly<Record<string, Tensor>>): Record<string, number> {
  const losses: Record<string, number> = {};
  for (const [name, term] of Object.entries(terms)) losses[name] = read(term)[0]!;
  return losses;
}

/** Reads and frees a tensor. */
export function read(tensor: Tensor): number[] {
  const values = Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}

/** Scores images of an image set, freeing everything else. */
export function scoreImages(model: Model, images: ImageSet, name?: string): number[] {
  const batch: Tensor4D = gatherImages(images);
  const scores = read(model.score(batch, name));
  batch.dispose();
  return scores;
}
