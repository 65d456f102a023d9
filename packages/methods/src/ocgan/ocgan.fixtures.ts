import { createGenerator } from '@adctl/random';
import type * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { createNetwork, type Network } from '../kit/network.js';
import { waves } from '../testing/engine.fixtures.js';
import { Hyperparameters } from './hyperparameters.js';
import { geometryOf, planNetworks } from './networks.js';
import { createSteps, type Networks } from './steps.js';

export const GREY = { height: 28, width: 28, channels: 1 };

/** Small nets (g = fc = 4, fv = 3) whose steps run one by one. */
export function createParts(overrides: Partial<Hyperparameters> = {}, seed = 1) {
  const h = Hyperparameters.parse({
    encoderWidth: 4,
    classifierWidth: 4,
    visualWidth: 3,
    latentSize: 5,
    batchSize: 8,
    learningRate: 1e-3,
    ...overrides,
  });
  const geometry = geometryOf(h, GREY);
  const generator = createGenerator(seed, 'model');
  const context = { seed, generator };
  const networks = Object.fromEntries(
    planNetworks(h, geometry).map((plan) => [plan.name, createNetwork(plan, context)]),
  ) as unknown as Networks;
  const adam = (...sources: Network[]) =>
    createAdam(sources, { learningRate: h.learningRate, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 });
  const optimizers = {
    classifier: adam(networks.classifier),
    latentDiscriminator: adam(networks.latentDiscriminator),
    visualDiscriminator: adam(networks.visualDiscriminator),
    autoEncoder: adam(networks.encoder, networks.decoder),
  };
  return {
    h,
    geometry,
    networks,
    optimizers,
    generator,
    steps: createSteps(h, { networks, optimizers, generator, geometry }),
  };
}

/** Eight grey 28x28 images in [0, 1], irregular and fixed. */
export function toyImages(count = 8): tf.Tensor4D {
  return waves([count, 28, 28, 1]).mul(0.25).add(0.5).clipByValue(0, 1) as tf.Tensor4D;
}

/** Values of a network's trainable variables (or moving averages), in order, as one list. */
export function valuesOf(network: Network, which: 'trainable' | 'nonTrainable' = 'trainable'): number[] {
  return network[which].flatMap(({ variable }) => Array.from(variable.dataSync()));
}

/** Which networks' trainable weights an action changed. */
export function changedBy(networks: Networks, act: () => void): string[] {
  const before = Object.entries(networks).map(([name, network]) => [name, valuesOf(network).join()] as const);
  act();
  return before
    .filter(([name, values]) => valuesOf(networks[name as keyof Networks]).join() !== values)
    .map(([name]) => name);
}
