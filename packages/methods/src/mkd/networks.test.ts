import { describe, expect, test } from 'vitest';
import { backboneOf } from '../backbones/registry.js';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { blurSigmaOf, Hyperparameters, refuse, warn } from './hyperparameters.js';
import { mkd } from './method.js';
import { clonerTap, planNetworks, teacherTap } from './networks.js';

const shape = (side: number, channels: number): ImageShape => ({ height: side, width: side, channels });
const summaries = (changes: Partial<Hyperparameters> = {}) =>
  planNetworks(Hyperparameters.parse(changes)).map((plan) => summarizeNetwork(plan));
const clonerOf = (changes: Partial<Hyperparameters> = {}) => summaries(changes)[1]!;

describe('the cloner', () => {
  test('has the parameters of the paper’s two configurations, with and without biases', () => {
    expect(clonerOf().trainable).toBe(343_984);
    expect(clonerOf({ useBias: true }).trainable).toBe(345_536);
    expect(clonerOf({ cloner: 'equal' }).trainable).toBe(14_715_968);
    expect(clonerOf({ teacherChannels: 0.25, bottleneck: 4 }).trainable).toBe(21_628);
  });

  test('has the parameters of the table, layer by layer', () => {
    const own = clonerOf().layers.filter(({ trainable }) => trainable > 0);
    const kernels = own.filter(({ plan }) => plan.kind === 'conv2d').map(({ trainable }) => trainable);

    expect(kernels).toEqual([
      ...[432, 2_304, 2_304, 18_432, 18_432, 2_304, 36_864],
      ...[36_864, 2_304, 73_728, 73_728, 2_304, 73_728],
    ]);
    expect(own.filter(({ plan }) => plan.kind === 'batchNorm').map(({ trainable }) => trainable)).toEqual(
      new Array(8).fill(32),
    );
  });

  test.each([
    [32, [128, 8], [256, 4], [512, 2], [512, 1]],
    [128, [128, 32], [256, 16], [512, 8], [512, 4]],
  ])('gives taps of the table at %i', (inputSize, ...expected) => {
    const { layers } = clonerOf({ inputSize });
    const taps = [2, 3, 4, 5].map((level) => layers.find(({ plan }) => plan.name === clonerTap(level))!.outputShape);

    expect(taps.map(([height, , channels]) => [channels, height])).toEqual(expected);
  });

  test.each(['vgg16', 'resnet18', 'efficientnet-lite0', 'efficientnet-lite0-torch'] as const)(
    'mirrors every tap of %s, linear where those are',
    (teacher) => {
      const [source, cloner] = summaries({ teacher, inputSize: 64 });
      for (const level of [2, 3, 4, 5]) {
        const layer = backboneOf(teacher).taps[teacherTap(teacher, level)]!;
        const wanted = source!.layers.find(({ plan }) => plan.name === layer)!.outputShape;
        expect(cloner!.layers.find(({ plan }) => plan.name === clonerTap(level))!.outputShape).toEqual(wanted);
        const isLinear = !cloner!.layers.some(({ plan }) => plan.name === `conv${level}_${level < 3 ? 2 : 3}-relu`);
        expect(isLinear).toBe(backboneOf(teacher).hasLinearTaps);
      }
    },
  );

  test('goes no deeper than the deepest level that is trained', () => {
    const [source, cloner] = summaries({ trainLevels: [2, 3], scoreLevels: [3] });

    expect(source!.layers.at(-1)!.plan.name).toBe('features.16');
    expect(cloner!.layers.at(-1)!.plan.name).toBe('pool3');
  });
});

describe('presets', () => {
  const resolve = (preset: 'paper' | 'default' | 'quick', input: ImageShape) =>
    resolveHyperparameters(mkd, { preset, input }).hyperparameters;

  test('paper is the code’s table', () => {
    const common = { batchSize: 64, learningRate: 1e-3, trainLevels: [2, 3, 4, 5], scoreLevels: [3, 4, 5] };

    expect(resolve('paper', shape(28, 1))).toMatchObject({
      ...common,
      inputSize: 32,
      lambda: 0.01,
      epochs: 51,
      normalize: false,
    });
    expect(resolve('paper', shape(32, 3))).toMatchObject({
      ...common,
      cropFrom: 256,
      inputSize: 224,
      lambda: 0.01,
      epochs: 201,
      normalize: true,
    });
    expect(resolve('paper', shape(256, 3))).toMatchObject({
      ...common,
      inputSize: 128,
      lambda: 0.5,
      epochs: 601,
      normalize: false,
    });
  });

  test('quick is the sanity experiment, and sizes are multiples of 32 up to 128', () => {
    expect(resolve('quick', shape(28, 1))).toMatchObject({
      teacherChannels: 0.25,
      bottleneck: 4,
      inputSize: 32,
      epochs: 4,
    });
    expect(resolve('default', shape(64, 3))).toMatchObject({ inputSize: 64, lambda: 0.5 });
    expect(resolve('default', shape(512, 3))).toMatchObject({ inputSize: 128 });
  });

  test('quick takes small batches of large images, of which there are few', () => {
    expect(resolve('quick', shape(64, 3))).toMatchObject({ inputSize: 64, epochs: 20, batchSize: 16, lambda: 0.5 });
    expect(resolve('quick', shape(28, 1))).toMatchObject({ batchSize: 64 });
  });

  test('the blur is 4 pixels at 128 and in proportion otherwise', () => {
    expect(blurSigmaOf(Hyperparameters.parse({ inputSize: 128 }))).toBe(4);
    expect(blurSigmaOf(Hyperparameters.parse({ inputSize: 32 }))).toBe(1);
    expect(blurSigmaOf(Hyperparameters.parse({ blurSigma: 7 }))).toBe(7);
  });
});

test.each<[string, Partial<Hyperparameters>, RegExp]>([
  ['narrow published weights', { weights: 'a'.repeat(64), teacherChannels: 0.5 }, /teacherChannels 0\.5 is for random/],
  ['a crop larger than the image', { cropFrom: 64, inputSize: 128 }, /cropFrom 64 is smaller/],
  ['equal widths of another teacher', { cloner: 'equal', teacher: 'resnet18' }, /has the widths of VGG16/],
  ['scores of levels that are not trained', { trainLevels: [3], scoreLevels: [3, 5] }, /scoreLevels 5 are not trained/],
])('refuses %s', (_what, changes, message) => {
  expect(refuse(Hyperparameters.parse(changes))).toMatch(message);
  expect(refuse(Hyperparameters.parse({}))).toBeNull();
});

test('warns when weights of a network that needs normalised pixels get none', () => {
  const lite = { teacher: 'efficientnet-lite0', weights: 'a'.repeat(64) } as const;

  expect(warn(Hyperparameters.parse(lite))[0]).toMatch(/set normalize: true/);
  expect(warn(Hyperparameters.parse({ ...lite, normalize: true }))).toEqual([]);
  expect(warn(Hyperparameters.parse({}))).toEqual([]);
});
