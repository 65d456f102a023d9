import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { Hyperparameters, refuse, warn } from './hyperparameters.js';
import { memae } from './method.js';
import { planNetworks } from './networks.js';

function shape(text: string): ImageShape {
  const [height, width, channels] = text.split('x').map(Number) as [number, number, number];
  return { height, width, channels };
}

function preset(name: 'paper' | 'default' | 'quick', text: string, overrides: Partial<Hyperparameters> = {}) {
  return resolveHyperparameters(memae, { preset: name, input: shape(text), overrides }).hyperparameters!;
}

function counts(h: Hyperparameters, text: string): [encoder: number, memory: number, decoder: number] {
  const summaries = planNetworks(h, shape(text)).map((plan) => summarizeNetwork(plan));
  expect(summaries[2]!.output).toEqual([shape(text).height, shape(text).width, shape(text).channels]);
  return summaries.map((summary) => summary.trainable) as [number, number, number];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b);

describe('parameter counts of the spec', () => {
  test('MNIST, layer by layer', () => {
    const [encoder, memory, decoder] = planNetworks(preset('paper', '28x28x1'), shape('28x28x1')).map((plan) =>
      summarizeNetwork(plan).layers.flatMap(({ trainable }) => (trainable === 0 ? [] : [trainable])),
    );

    expect(encoder).toEqual([32, 32, 4640, 64, 18_496, 128]);
    expect(memory).toEqual([102_400]);
    expect(decoder).toEqual([18_464, 64, 4624, 32, 145]);
  });

  test.each([
    ['28x28x1', 'vector', 23_392, 102_400, 23_329, 149_121],
    ['28x28x1', 'cell', 23_392, 6400, 23_329, 53_121],
    ['32x32x3', 'vector', 519_552, 512_000, 518_787, 1_550_339],
    ['32x32x3', 'cell', 519_552, 128_000, 518_787, 1_166_339],
    ['64x64x3', 'cell', 1_000_128, 512_000, 999_363, 2_511_491],
    ['128x128x3', 'cell', 1_000_128, 512_000, 999_363, 2_511_491],
    ['256x256x3', 'cell', 1_000_128, 512_000, 999_363, 2_511_491],
    ['64x64x1', 'cell', 998_400, 512_000, 997_633, 2_508_033],
    ['256x256x1', 'cell', 998_400, 512_000, 997_633, 2_508_033],
  ] as const)('%s, memory of %ss', (text, slot, encoder, memory, decoder, total) => {
    const parts = counts(preset('paper', text, { slot }), text);

    expect(parts).toEqual([encoder, memory, decoder]);
    expect(sum(parts)).toBe(total);
  });

  test('a first kernel of 3 adds 128', () => {
    expect(sum(counts(preset('default', '28x28x1'), '28x28x1'))).toBe(149_121 + 128);
  });

  test('the grid goes 28, 14, 7, 4 and back, and to a sixteenth for large images', () => {
    const [encoder, , decoder] = planNetworks(preset('paper', '28x28x1'), shape('28x28x1')).map((plan) =>
      summarizeNetwork(plan).layers.filter(({ plan: layer }) => layer.kind.startsWith('conv')),
    );
    const large = planNetworks(preset('paper', '256x256x3'), shape('256x256x3'));

    expect(encoder!.map((layer) => layer.outputShape[0])).toEqual([14, 7, 4]);
    expect(decoder!.map((layer) => layer.outputShape[0])).toEqual([7, 14, 28]);
    expect(summarizeNetwork(large[0]).output).toEqual([16, 16, 256]);
  });

  test('a linear latent leaves the last activation out, nothing else', () => {
    const h = preset('paper', '28x28x1');
    const [plain] = planNetworks(h, shape('28x28x1'));
    const [linear] = planNetworks({ ...h, linearLatent: true }, shape('28x28x1'));

    expect(plain.layers.slice(0, -1)).toEqual(linear.layers);
    expect(plain.layers.at(-1)).toMatchObject({ kind: 'activation', activation: 'relu' });
  });
});

describe('presets', () => {
  test.each([
    ['paper', '28x28x1', { firstKernel: 1, learningRate: 1e-4, epochs: 100, memorySize: 100, slot: 'vector' }],
    ['default', '28x28x1', { firstKernel: 3, learningRate: 1e-3, epochs: 30, batchSize: 64, entropyWeight: 2e-4 }],
    ['quick', '28x28x1', { firstKernel: 1, learningRate: 1e-3, epochs: 8, batchSize: 64 }],
    ['default', '32x32x3', { memorySize: 500, slot: 'vector', activation: 'relu', stageChannels: [64, 128, 128, 256] }],
    ['paper', '32x32x3', { firstKernel: 3, memorySize: 500 }],
    ['default', '128x128x3', { memorySize: 2000, slot: 'cell', activation: 'leakyRelu', batchSize: 16 }],
  ] as const)('%s on %s', (name, text, expected) => {
    expect(preset(name, text)).toMatchObject({
      addressing: 'cosine',
      temperature: 1,
      shrinkFactor: 1,
      deadPolicy: 'keep-max',
      ...expected,
    });
  });
});

describe('thresholds', () => {
  const GREY = shape('28x28x1');

  test('one that no weight can pass is refused with both numbers', () => {
    const h = Hyperparameters.parse({ shrinkFactor: 7 });

    expect(refuse(h)).toMatch(
      /threshold 0\.07 .* is not below 0\.0695, the largest weight that cosine addressing of 100/,
    );
    expect(refuse(Hyperparameters.parse({ shrinkFactor: 6.9 }))).toBeNull();
    expect(refuse(Hyperparameters.parse({ shrinkFactor: 7, addressing: 'dot' }))).toBeNull();
    expect(refuse(Hyperparameters.parse({ memorySize: 1, addressing: 'dot' }))).toMatch(/not below 1/);
    expect(refuse(Hyperparameters.parse({ memorySize: 1, shrinkFactor: 0 }))).toBeNull();
  });

  test('one under which every query starts dead is warned of: 2/N with plain cosines, not 1/N', () => {
    const warningsOf = (changes: Partial<Hyperparameters>) => warn(Hyperparameters.parse(changes), GREY);

    expect(warningsOf({ shrinkFactor: 2 })).toEqual([
      expect.stringMatching(/most queries start dead and read one slot/),
    ]);
    expect(warningsOf({ shrinkFactor: 2, deadPolicy: 'zero' })).toEqual([expect.stringMatching(/dead and stay so/)]);
    expect(warningsOf({})).toEqual([]);
    expect(warningsOf({ shrinkFactor: 2, temperature: 0.1 })).toEqual([]);
    expect(warningsOf({ shrinkFactor: 2, addressing: 'dot' })).toEqual([]);
  });
});
