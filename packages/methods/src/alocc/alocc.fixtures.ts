import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { gatherImages } from '../kit/batching.js';
import { toSigned } from '../kit/images.js';
import { createNetwork, type Network } from '../kit/network.js';
import type { ImageShape, SteppingModel } from '../method.js';
import { Hyperparameters } from './hyperparameters.js';
import type { Target } from './losses.js';
import { createAlocc } from './model.js';
import { planNetworks } from './networks.js';
import { addNoise, createSteps } from './steps.js';

export const GREY: ImageShape = { height: 28, width: 28, channels: 1 };
const SMALL = { width: 2, batchSize: 8 } as const;

export function createModel(changes: Partial<Hyperparameters> = {}, seed = 1): SteppingModel {
  const h = Hyperparameters.parse({ ...SMALL, ...changes });
  return createAlocc(h, { input: GREY, seed, generator: createGenerator(seed, 'training') });
}

/** Narrow networks whose steps run one by one. */
export function createParts(changes: Partial<Hyperparameters> = {}, seed = 1) {
  const h = Hyperparameters.parse({ ...SMALL, ...changes });
  const context = { seed, generator: createGenerator(seed, 'training') };
  const [r, d] = planNetworks(h, GREY).map((plan) => createNetwork(plan, context)) as [Network, Network];
  const networks = { reconstructor: r, discriminator: d };
  const adam = (network: Network) => createAdam([network], { learningRate: h.learningRate, beta1: 0.5 });
  const optimizers = { reconstructor: adam(r), discriminator: adam(d) };
  return { h, networks, optimizers, steps: createSteps(h, { networks, optimizers }) };
}

/** Toy images in [0, 1], `[count, 28, 28, 1]`. */
export function toyBatch(count = 8, kind: 'normal' | 'anomalous' = 'normal'): tf.Tensor4D {
  return gatherImages(createToyImages({ shape: GREY, count, seed: 5, kind }));
}

/** Images in [-1, 1] and their noisy copies. */
export function toyTarget(count = 8): Target {
  const clean = toSigned(toyBatch(count));
  return { clean, noisy: addNoise(clean, 0.31, createGenerator(3)) };
}

export function train(model: SteppingModel, steps: number, images = toyBatch()): Record<string, number> {
  let losses: Record<string, number> = {};
  for (let step = 0; step < steps; step++) {
    const terms = model.trainStep(images, { epoch: 1, step, positions: Int32Array.of() });
    losses = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
    tf.dispose(terms);
  }
  return losses;
}

export function valuesOf(network: Network, which: 'trainable' | 'nonTrainable' = 'trainable'): number[] {
  return network[which].flatMap(({ variable }) => Array.from(variable.dataSync()));
}

export function scoresOf(model: SteppingModel, images: tf.Tensor4D, name?: string): number[] {
  return Array.from(model.score(images, name).dataSync());
}
