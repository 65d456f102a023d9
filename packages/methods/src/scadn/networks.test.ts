import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createNetwork } from '../kit/network.js';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { Hyperparameters, refuse, warn } from './hyperparameters.js';
import { scadn } from './method.js';
import { planDiscriminator, planGenerator, planNetworks } from './networks.js';
import { GREY_32 } from './scadn.fixtures.js';
import { createSpectralNetwork } from './spectral-norm.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

function shape(text: string): ImageShape {
  const [height, width, channels] = text.split('x').map(Number) as [number, number, number];
  return { height, width, channels };
}

const settings = (baseChannels: number, residualBlocks: number) =>
  Hyperparameters.parse({ baseChannels, residualBlocks });

describe('parameter counts of the spec', () => {
  test.each([
    [64, 8, [42_077_955, 42_065_409], [2_763_776, 2_761_728]],
    [32, 8, [10_526_595, 10_520_321], [693_760, 692_736]],
    [16, 8, [2_635_203, 2_632_065], [174_848, 174_336]],
    [16, 4, [1_454_531, 1_451_393], [174_848, 174_336]],
    [8, 2, [217_443, 215_873], [44_416, 44_160]],
  ])('width %d, %d blocks, RGB and grey', (width, blocks, generator, discriminator) => {
    const h = settings(width, blocks);
    for (const [i, channels] of [3, 1].entries()) {
      expect(summarizeNetwork(planGenerator(h, shape(`64x64x${channels}`))).trainable).toBe(generator[i]);
      expect(summarizeNetwork(planDiscriminator(h, shape(`64x64x${channels}`))).trainable).toBe(discriminator[i]);
    }
  });

  test('layer by layer at width 64, RGB', () => {
    const count = (name: string, input: string, layers: readonly string[]) => {
      const h = settings(64, 8);
      const plan = name === 'generator' ? planGenerator(h, shape(input)) : planDiscriminator(h, shape(input));
      const all = summarizeNetwork(plan).layers;
      return layers.map((layer) => {
        const found = all.find(({ plan: { name: own } }) => own === layer)!;
        return [found.trainable, found.outputShape[0]];
      });
    };
    const generator = ['e0', 'e1', 'e2', 'e3', 'r1a', 'r8b', 'd1', 'd2', 'd3', 'out'];
    const parameters = [9_472, 131_200, 524_544, 2_097_664, 2_359_808, 2_359_808, 1_179_904, 295_040, 73_792, 9_411];
    const judges = ['c1', 'c2', 'c3', 'c4', 'c5'];

    for (const [side, sides] of [
      [512, [512, 256, 128, 64, 64, 64, 128, 256, 512, 512]],
      [64, [64, 32, 16, 8, 8, 8, 16, 32, 64, 64]],
      [32, [32, 16, 8, 4, 4, 4, 8, 16, 32, 32]],
    ] as const) {
      expect(count('generator', `${side}x${side}x3`, generator)).toEqual(parameters.map((p, i) => [p, sides[i]]));
    }
    for (const [side, sides] of [
      [512, [256, 128, 64, 63, 62]],
      [64, [32, 16, 8, 7, 6]],
      [32, [16, 8, 4, 3, 2]],
    ] as const) {
      expect(count('discriminator', `${side}x${side}x3`, judges)).toEqual(
        [3_072, 131_072, 524_288, 2_097_152, 8_192].map((p, i) => [p, sides[i]]),
      );
    }
  });

  test('a residual block has 4,719,616 weights at width 64, the mask one channel more', () => {
    const total = (h: Hyperparameters) => summarizeNetwork(planGenerator(h, shape('64x64x3'))).trainable;

    expect(total(settings(64, 8)) - total(settings(64, 7))).toBe(4_719_616);
    expect(total({ ...settings(64, 8), maskChannel: true }) - total(settings(64, 8))).toBe(49 * 64);
  });

  test('without an adversarial term there is no discriminator', () => {
    const names = (adversarialWeight: number) =>
      planNetworks(Hyperparameters.parse({ adversarialWeight }), GREY_32).map(({ name }) => name);

    expect(names(0.001)).toEqual(['generator', 'discriminator']);
    expect(names(0)).toEqual(['generator']);
  });

  test.each([
    ['28x28x1', [32, 32, 1]],
    ['20x70x3', [24, 72, 3]],
  ])('%s images are framed by black to %j', (text, frame) => {
    expect(summarizeNetwork(planGenerator(settings(4, 1), shape(text))).output).toEqual(frame);
  });
});

describe('spectral norm', () => {
  const build = () => {
    const plan = planDiscriminator(settings(4, 1), GREY_32);
    const network = createNetwork(plan, { seed: 1, generator: createGenerator(1) });
    return { network, spectral: createSpectralNetwork(network, 1) };
  };
  /** Largest singular value of a kernel as `[inputs, outputs]`, by many power iterations in plain numbers. */
  const largestSingularValue = (kernel: tf.Tensor): number => {
    const outputs = kernel.shape.at(-1)!;
    const values = kernel.dataSync();
    const rows = values.length / outputs;
    let u = Array.from({ length: outputs }, (_, i) => 1 + 0.1 * i);
    let norm = 0;
    for (let step = 0; step < 300; step++) {
      const v = Array.from({ length: rows }, (_, r) => u.reduce((sum, x, o) => sum + x * values[r * outputs + o]!, 0));
      const next = u.map((_, o) => v.reduce((sum, x, r) => sum + x * values[r * outputs + o]!, 0));
      norm = Math.hypot(...next);
      u = next.map((x) => x / norm);
    }
    return Math.sqrt(norm);
  };

  test('after 50 passes every normalised kernel has a largest singular value of 1', () => {
    const { network, spectral } = build();
    for (let i = 0; i < 50; i++) spectral.iterate();

    for (const [layer, { u, v }] of spectral.state()) {
      const kernel = network.variable(layer, 'kernel');
      const matrix = tf.reshape(kernel, [-1, u.shape[0]]);
      const sigma = tf.matMul(v, tf.matMul(matrix, u), true).dataSync()[0]!;
      expect(Math.abs(largestSingularValue(kernel) / sigma - 1), layer).toBeLessThan(0.01);
    }
  });

  test('scaling the weights by 10 leaves the discriminator unchanged', () => {
    const { network, spectral } = build();
    const x = tf.sigmoid(waves([2, 32, 32, 1]));
    const state = spectral.iterate();
    const before = spectral.apply(x, state);
    for (const { variable } of network.trainable) variable.assign(tf.mul(variable, 10));

    expect(before.shape).toEqual([2, 2, 2, 1]);
    expect(maxDifference(spectral.apply(x, state), before)).toBeLessThan(1e-5);
  });

  test('a pass without an iteration changes no vector, and buffers bring them back', () => {
    const { spectral } = build();
    const other = build().spectral;
    spectral.iterate();
    const held = Object.entries(spectral.buffers).map(([name, buffer]) => [name, buffer.read()] as const);
    spectral.apply(waves([1, 32, 32, 1]), spectral.state());
    for (const [name, { data, shape: size }] of held) {
      expect(spectral.buffers[name]!.read().data, name).toEqual(data);
      other.buffers[name]!.write({ shape: size, data: data.slice() });
    }
    spectral.iterate();
    other.iterate();

    for (const [name, buffer] of Object.entries(spectral.buffers)) {
      expect(other.buffers[name]!.read().data, name).toEqual(buffer.read().data);
    }
  });

  test('the gradient flows through the norm: along the weights themselves it is zero', () => {
    const { network, spectral } = build();
    const state = spectral.iterate();
    const kernels = network.trainable.map(({ variable }) => variable);
    const { grads } = tf.variableGrads(
      () => tf.mean(tf.square(spectral.apply(waves([2, 32, 32, 1]), state))) as tf.Scalar,
      kernels,
    );

    for (const { variable, name } of network.trainable) {
      const gradient = grads[variable.name]!;
      const along = tf.sum(tf.mul(gradient, variable)).dataSync()[0]!;
      const length = tf.mul(tf.norm(gradient), tf.norm(variable)).dataSync()[0]!;
      expect(Math.abs(along) / length, name).toBeLessThan(1e-3);
    }
  });
});

describe('presets', () => {
  test.each([
    ['paper', '512x512x3', { baseChannels: 64, residualBlocks: 8, learningRate: 1e-4, batchSize: 4, epochs: 200 }],
    ['default', '64x64x1', { baseChannels: 16, residualBlocks: 4, learningRate: 1e-3, batchSize: 16 }],
    ['default', '256x256x3', { baseChannels: 32, residualBlocks: 8, learningRate: 1e-4, batchSize: 4 }],
    ['quick', '64x64x1', { baseChannels: 8, residualBlocks: 2, learningRate: 1e-3, stripes: [4, 8, 16] }],
    ['quick', '28x28x1', { baseChannels: 8, residualBlocks: 2, learningRate: 1e-3, stripes: [4, 8] }],
  ] as const)('%s for %s', (preset, text, expected) => {
    const { hyperparameters } = resolveHyperparameters(scadn, { preset, input: shape(text) });

    expect(hyperparameters).toMatchObject({
      ...expected,
      adversarialWeight: 0.001,
      discriminatorRatio: 0.1,
      hiddenWeight: 4,
      scaleFusion: 'select',
    });
  });

  test('stripes thinner than a pixel are refused, many passes over large images announced', () => {
    const h = (stripes: number[]) => Hyperparameters.parse({ stripes });

    expect(refuse(h([4, 64]), shape('32x64x1'))).toMatch(/thinner than a pixel on 32x64 images/);
    expect(refuse(h([4, 8, 16]), shape('28x28x1'))).toBeNull();
    expect(warn(h([4, 8, 16]), shape('512x512x3'))[0]).toMatch(/12 generator passes/);
    expect(warn(h([4, 8, 16]), shape('64x64x1'))).toEqual([]);
  });
});
