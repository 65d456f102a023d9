import { createGenerator, type RandomGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { gatherImages, type ImageSet, planEpoch } from '../kit/batching.js';
import type { CommonHyperparameters, ImageShape, MethodCard, Model } from '../method.js';

/** A model, its stream of chance, and toy images to feed it: one trial in miniature. */
export interface ToyTrial {
  readonly model: Model;
  readonly generator: RandomGenerator;
  readonly hyperparameters: CommonHyperparameters;
  readonly images: ImageSet;
  /** Runs steps `from` (from 0) to `to`, exclusive; returns the losses of each by name. */
  train(from: number, to: number): Record<string, number>[];
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
}

/** Creates a model as a worker does; equal options make equal trials. */
export async function createToyTrial(options: ToyTrialOptions): Promise<ToyTrial> {
  const { card, hyperparameters, input, seed, modelSeed = seed, imageCount } = options;
  const createModel = await card.load();
  const generator = createGenerator(modelSeed, 'training');
  const model = createModel(hyperparameters, { input, seed: modelSeed, generator });
  const images = createToyImages({ shape: input, count: imageCount, seed: 77, kind: 'normal' });
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
      for (let step = from; step < to; step++) {
        const epoch = Math.floor(step / perEpoch) + 1;
        const batch = gatherImages(images, batchesOf(epoch)[step % perEpoch]!);
        losses.push(readLosses(model.trainStep(batch, { epoch, step })));
        batch.dispose();
      }
      return losses;
    },
    dispose: () => model.dispose(),
  };
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
