import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { Hyperparameters, refuse } from './hyperparameters.js';
import { dae } from './method.js';
import { planNetworks } from './networks.js';

function shape(text: string): ImageShape {
  const [height, width, channels] = text.split('x').map(Number) as [number, number, number];
  return { height, width, channels };
}

function counts(h: Partial<Hyperparameters>, input: ImageShape): [encoder: number, decoder: number] {
  const [encoder, decoder] = planNetworks(Hyperparameters.parse(h), input).map((plan) => summarizeNetwork(plan));
  expect(decoder!.output).toEqual([input.height, input.width, input.channels]);
  return [encoder!.trainable, decoder!.trainable];
}

const sum = ([a, b]: [number, number]) => a + b;

describe('parameter counts of the spec', () => {
  test.each([
    ['28x28x1', 50_992, 101_200, 437_664, 944_176],
    ['32x32x1', 66_592, 132_160, 560_784, 1_190_176],
    ['32x32x3', 199_712, 396_352, 1_611_408, 3_289_376],
    ['64x64x1', 266_272, 528_448, 2_136_720, 4_338_976],
    ['64x64x3', 798_752, 1_585_216, 6_339_216, 12_735_776],
    ['128x128x3', 3_194_912, 6_340_672, 25_250_448, 50_521_376],
  ])('dense on %s', (text, shallow32, shallow64, deepSmall, deepLarge) => {
    const input = shape(text);

    expect(sum(counts({ arch: 'dense-shallow', latentSize: 32 }, input))).toBe(shallow32);
    expect(sum(counts({ arch: 'dense-shallow', latentSize: 64 }, input))).toBe(shallow64);
    expect(sum(counts({ arch: 'dense-deep', hiddenUnits: [256, 64], latentSize: 16 }, input))).toBe(deepSmall);
    expect(sum(counts({ arch: 'dense-deep', hiddenUnits: [512, 128], latentSize: 32 }, input))).toBe(deepLarge);
  });

  test.each<[string, number[], number, number, number]>([
    ['28x28x1', [32, 64], 32, 133_760, 136_801],
    ['28x28x1', [32, 64], 16, 83_568, 86_625],
    ['32x32x1', [32, 64, 128], 64, 295_712, 297_569],
    ['32x32x3', [32, 64, 128], 128, 427_872, 429_667],
    ['64x64x1', [32, 64, 128, 256], 128, 1_213_536, 1_217_249],
    ['64x64x3', [32, 64, 128, 256], 128, 1_214_560, 1_218_275],
    ['128x128x3', [32, 64, 128, 256, 256], 256, 2_787_808, 2_791_395],
    ['256x256x3', [32, 64, 128, 256, 256, 256], 256, 3_836_640, 3_840_227],
  ])('convolutional on %s with stages %j and code %i', (text, stageChannels, latentSize, encoder, decoder) => {
    expect(counts({ arch: 'conv', stageChannels, latentSize }, shape(text))).toEqual([encoder, decoder]);
  });

  test('tied weights leave the decoder its biases', () => {
    const deep = { arch: 'dense-deep', tied: true, latentSize: 16 } as const;

    expect(counts({ arch: 'dense-shallow', tied: true }, shape('28x28x1'))[1]).toBe(784);
    expect(counts(deep, shape('28x28x1'))[1]).toBe(64 + 256 + 784);
  });
});

describe('presets', () => {
  test.each([
    ['28x28x1', { arch: 'dense-shallow', latentSize: 32, weightDecay: 1e-4, epochs: 30 }],
    ['32x32x1', { arch: 'conv', latentSize: 64, stageChannels: [32, 64, 128], weightDecay: 1e-5, epochs: 20 }],
    ['32x32x3', { arch: 'conv', latentSize: 128, stageChannels: [32, 64, 128] }],
    ['64x64x1', { arch: 'conv', latentSize: 128, stageChannels: [32, 64, 128, 256] }],
    ['128x128x3', { arch: 'conv', latentSize: 256, stageChannels: [32, 64, 128, 256, 256] }],
    ['256x256x3', { arch: 'conv', latentSize: 256, stageChannels: [32, 64, 128, 256, 256, 256] }],
    ['30x30x1', { arch: 'conv', latentSize: 32, stageChannels: [32] }],
  ])('default on %s', (text, expected) => {
    const { hyperparameters } = resolveHyperparameters(dae, { preset: 'default', input: shape(text) });

    expect(hyperparameters).toMatchObject({ learningRate: 1e-3, batchSize: 64, noise: 'none', ...expected });
  });

  test('quick is the sanity experiment of the spec', () => {
    const { hyperparameters } = resolveHyperparameters(dae, { preset: 'quick', input: shape('28x28x1') });

    expect(hyperparameters).toMatchObject({
      arch: 'dense-deep',
      hiddenUnits: [256, 64],
      latentSize: 16,
      noise: 'none',
      epochs: 10,
      weightDecay: 1e-5,
    });
  });
});

describe('refusals', () => {
  test.each<[string, Partial<Hyperparameters>, string, RegExp]>([
    ['odd sides', { arch: 'conv', stageChannels: [8, 8, 8] }, '28x28x1', /need sides divisible by 8, images are 28x28/],
    ['tied convolutions', { arch: 'conv', tied: true }, '28x28x1', /tied weights exist for the dense/],
    [
      'cross-entropy of a linear output',
      { loss: 'bce', outputActivation: 'linear' },
      '28x28x1',
      /needs outputActivation/,
    ],
    ['sparsity of a relu code', { arch: 'dense-deep', sparsityWeight: 1 }, '28x28x1', /needs a sigmoid code/],
  ])('of %s', (_what, changes, text, message) => {
    expect(refuse(Hyperparameters.parse(changes), shape(text))).toMatch(message);
    expect(refuse(Hyperparameters.parse({}), shape(text))).toBeNull();
  });
});
