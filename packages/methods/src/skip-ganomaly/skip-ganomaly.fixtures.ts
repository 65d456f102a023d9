import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { gatherImages } from '../kit/batching.js';
import { createNetwork, type Network } from '../kit/network.js';
import type { ImageShape, Model, SteppingModel } from '../method.js';
import { geometryOf } from './geometry.js';
import { Hyperparameters } from './hyperparameters.js';
import { createSkipGanomaly } from './model.js';
import { planNetworks } from './networks.js';
import { toNetworkPixels } from './pixels.js';
import { createSteps } from './steps.js';

export const GREY: ImageShape = { height: 28, width: 28, channels: 1 };
const SMALL = { width: 4, latentSize: 6, batchSize: 8, learningRate: 1e-3 } as const;

export function createModel(changes: Partial<Hyperparameters> = {}, seed = 1, input = GREY): SteppingModel {
  const h = Hyperparameters.parse({ ...SMALL, ...changes });
  return createSkipGanomaly(h, { input, seed, generator: createGenerator(seed, 'training') });
}

/** Narrow networks whose steps run one by one. */
export function createParts(changes: Partial<Hyperparameters> = {}, seed = 1) {
  const h = Hyperparameters.parse({ ...SMALL, ...changes });
  const generator = createGenerator(seed, 'training');
  const [g, d] = planNetworks(h, GREY).map((plan) => createNetwork(plan, { seed, generator })) as [Network, Network];
  const networks = { generator: g, discriminator: d };
  const adam = (network: Network) =>
    createAdam([network], { learningRate: h.learningRate, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 });
  const optimizers = { generator: adam(g), discriminator: adam(d) };
  const { levels } = geometryOf(GREY);
  return { h, levels, networks, optimizers, steps: createSteps(h, { networks, optimizers, generator, levels }) };
}

/** Toy images in [0, 1], `[count, 28, 28, 1]`. */
export function toyBatch(count = 8, kind: 'normal' | 'anomalous' = 'normal'): tf.Tensor4D {
  return gatherImages(createToyImages({ shape: GREY, count, seed: 5, kind }));
}

/** The same as the networks see them, `[count, 32, 32, 1]` in [-1, 1]. */
export function toyPixels(count = 8): tf.Tensor4D {
  return toNetworkPixels(toyBatch(count), 'pad');
}

export function train(model: SteppingModel, steps: number, images: tf.Tensor4D = toyBatch()): Record<string, number> {
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

export function scoresOf(model: Model, images: tf.Tensor4D, name?: string): number[] {
  return Array.from(model.score(images, name).dataSync());
}
