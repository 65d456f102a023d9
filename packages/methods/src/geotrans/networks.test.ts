import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { Hyperparameters, shiftOf, warn } from './hyperparameters.js';
import { geotrans } from './method.js';
import { planNetworks } from './networks.js';

const square = (side: number, channels: number): ImageShape => ({ height: side, width: side, channels });
const summaryOf = (h: Partial<Hyperparameters>, input: ImageShape) =>
  summarizeNetwork(planNetworks(Hyperparameters.parse(h), input)[0]);

describe('parameter counts', () => {
  test.each<[string, Partial<Hyperparameters>, ImageShape, number, number]>([
    ['WRN-10-4 on colour', {}, square(32, 3), 1_214_744, 1_824],
    ['WRN-10-4 on grey', {}, square(32, 1), 1_214_456, 1_824],
    ['WRN-16-8 on 64x64', { depth: 16, widenFactor: 8 }, square(64, 3), 11_103_768, 7_200],
    ['WRN-10-2', { widenFactor: 2 }, square(32, 1), 311_416, 928],
    ['WRN-10-1', { widenFactor: 1 }, square(32, 1), 81_592, 480],
    ['WRN-10-1, eight classes', { widenFactor: 1, transforms: 'dihedral8' }, square(28, 1), 77_432, 480],
  ])('%s', (_name, h, input, trainable, averages) => {
    const summary = summaryOf(h, input);

    expect([summary.trainable, summary.nonTrainable]).toEqual([trainable, averages]);
    expect(summary.output).toEqual([h.transforms === 'dihedral8' ? 8 : 72]);
  });

  test('the last map is pooled over 8x8: one position at 32x32, four at 64x64', () => {
    const featuresOf = (h: Partial<Hyperparameters>, input: ImageShape) =>
      summaryOf(h, input).layers.find(({ plan }) => plan.name === 'flatten')!.outputShape;

    expect(featuresOf({}, square(28, 1))).toEqual([256]);
    expect(featuresOf({ depth: 16, widenFactor: 8 }, square(64, 3))).toEqual([2048]);
  });

  test('blocks that change the number of channels project the activated input, others add the input itself', () => {
    const layers = summaryOf({ depth: 16, widenFactor: 1 }, square(32, 1)).layers.map(({ plan }) => plan);
    const sums = layers.flatMap((plan) => (plan.kind === 'add' ? [[plan.name, plan.with]] : []));

    // Group 1 of width 16 has the stem's channels, so its first block needs no projection either.
    expect(sums).toEqual([
      ['group1block1Sum', 'stem'],
      ['group1block2Sum', 'group1block1Sum'],
      ['group2block1Sum', 'group2block1Projection'],
      ['group2block2Sum', 'group2block1Sum'],
      ['group3block1Sum', 'group3block1Projection'],
      ['group3block2Sum', 'group3block1Sum'],
    ]);
    expect(layers.find(({ name }) => name === 'group2block1Projection')).toMatchObject({
      from: 'group2block1Relu1',
      strides: 2,
      kernelSize: 1,
    });
  });
});

describe('hyperparameters', () => {
  const preset = (name: 'paper' | 'default' | 'quick', input: ImageShape) =>
    resolveHyperparameters(geotrans, { preset: name, input }).hyperparameters;

  test('presets', () => {
    expect(preset('paper', square(32, 3))).toMatchObject({ depth: 10, widenFactor: 4, epochs: 216, batchSize: 128 });
    expect(preset('paper', square(64, 3))).toMatchObject({ depth: 16, widenFactor: 8, transforms: 'full72' });
    expect(preset('default', square(28, 1))).toMatchObject({ learningRate: 1e-3, weightDecay: 2.5e-4 });
    expect(preset('quick', square(28, 1))).toMatchObject({ transforms: 'dihedral8', widenFactor: 1 });
  });

  test('a shift is a quarter of the side', () => {
    expect(shiftOf(Hyperparameters.parse({}), 32)).toBe(8);
    expect(shiftOf(Hyperparameters.parse({}), 64)).toBe(16);
    expect(shiftOf(Hyperparameters.parse({ shiftFraction: 0.125 }), 32)).toBe(4);
  });

  test('sizes the authors never used are warned of', () => {
    expect(warn(Hyperparameters.parse({}), square(100, 3))[0]).toMatch(/128x128 takes many gigabytes/);
    expect(warn(Hyperparameters.parse({}), square(64, 3))).toEqual([]);
  });
});
