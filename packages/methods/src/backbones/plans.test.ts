import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { BackboneName, BackbonePlanOptions } from './architecture.js';
import { backboneOf } from './registry.js';

function summaryOf(name: BackboneName, side: number, options: Partial<BackbonePlanOptions> = {}) {
  return summarizeNetwork(backboneOf(name).plan({ network: 'net', height: side, width: side, ...options }));
}

/** Channels and side of every named layer. */
function shapesOf(
  name: BackboneName,
  side: number,
  layers: readonly string[],
  options: Partial<BackbonePlanOptions> = {},
) {
  const summary = summaryOf(name, side, options);
  const { taps } = backboneOf(name);
  return layers.map((layer) => {
    const [height, width, channels] = summary.layers.find(
      ({ plan }) => plan.name === (taps[layer] ?? layer),
    )!.outputShape;
    expect(height).toBe(width);
    return [channels, height];
  });
}

const trainableBelow = (name: BackboneName, prefix: string) =>
  summaryOf(name, 224, { end: 'classes' })
    .layers.filter(({ plan }) => plan.name.startsWith(prefix))
    .reduce((sum, { trainable }) => sum + trainable, 0);

describe('parameters', () => {
  test('of the whole trunks and networks', () => {
    expect(summaryOf('vgg16', 224).trainable).toBe(14_714_688);
    expect(summaryOf('resnet18', 224)).toMatchObject({ trainable: 11_176_512, nonTrainable: 9_600 });
    expect(summaryOf('resnet18', 224, { end: 'classes' }).trainable).toBe(11_689_512);
    for (const name of ['efficientnet-lite0', 'efficientnet-lite0-torch'] as const) {
      expect(summaryOf(name, 224).trainable).toBe(2_958_848);
      const whole = summaryOf(name, 224, { end: 'classes' });
      expect(whole).toMatchObject({ trainable: 4_652_008, nonTrainable: 42_016 });
      expect(whole.trainable - whole.layers.at(-1)!.trainable).toBe(3_371_008);
    }
  });

  test('of VGG16 by layer and block', () => {
    const trainable = summaryOf('vgg16', 224).layers.map((layer) => layer.trainable);
    const blocks = [0, 5, 10, 17, 24, 31];

    expect(trainable.filter((count) => count > 0)).toEqual([
      ...[1_792, 36_928, 73_856, 147_584, 295_168, 590_080, 590_080],
      ...[1_180_160, 2_359_808, 2_359_808, 2_359_808, 2_359_808, 2_359_808],
    ]);
    expect(
      blocks.slice(1).map((end, i) => trainable.slice(blocks[i], end).reduce((sum, count) => sum + count, 0)),
    ).toEqual([38_720, 221_440, 1_475_328, 5_899_776, 7_079_424]);
  });

  test.each([
    ['conv1', 9_408],
    ['bn1', 128],
    ['layer1.0', 73_984],
    ['layer1.1', 73_984],
    ['layer2.0', 230_144],
    ['layer2.1', 295_424],
    ['layer3.0', 919_040],
    ['layer3.1', 1_180_672],
    ['layer4.0', 3_673_088],
    ['layer4.1', 4_720_640],
    ['fc', 513_000],
  ])('of ResNet-18 below %s', (prefix, expected) => {
    expect(trainableBelow('resnet18', prefix)).toBe(expected);
  });

  test.each([
    ['conv_stem', 864],
    ['bn1', 64],
    ['blocks.0', 896],
    ['blocks.1.0', 5_136],
    ['blocks.1.1', 8_832],
    ['blocks.2.0', 13_472],
    ['blocks.2.1', 26_240],
    ['blocks.3.0', 32_080],
    ['blocks.3.2', 83_200],
    ['blocks.4.0', 106_304],
    ['blocks.4.1', 170_240],
    ['blocks.5.0', 224_160],
    ['blocks.5.3', 476_160],
    ['blocks.6', 605_440],
    ['conv_head', 409_600],
    ['bn2', 2_560],
    ['classifier', 1_281_000],
  ])('of EfficientNet-Lite0 below %s', (prefix, expected) => {
    expect(trainableBelow('efficientnet-lite0', prefix)).toBe(expected);
  });
});

describe('shapes', () => {
  const pools = ['pool1', 'pool2', 'pool3', 'pool4', 'pool5'];
  test.each([
    [224, [64, 112], [128, 56], [256, 28], [512, 14], [512, 7]],
    [128, [64, 64], [128, 32], [256, 16], [512, 8], [512, 4]],
    [64, [64, 32], [128, 16], [256, 8], [512, 4], [512, 2]],
    [32, [64, 16], [128, 8], [256, 4], [512, 2], [512, 1]],
  ])('of VGG16 pools at %i', (side, ...expected) => {
    expect(shapesOf('vgg16', side, pools)).toEqual(expected);
  });

  const residual = ['relu', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4'];
  test.each([
    [224, [64, 112], [64, 56], [64, 56], [128, 28], [256, 14], [512, 7]],
    [64, [64, 32], [64, 16], [64, 16], [128, 8], [256, 4], [512, 2]],
    [32, [64, 16], [64, 8], [64, 8], [128, 4], [256, 2], [512, 1]],
  ])('of ResNet-18 at %i', (side, ...expected) => {
    expect(shapesOf('resnet18', side, residual)).toEqual(expected);
  });

  const stages = ['conv_stem', ...Array.from({ length: 7 }, (_, i) => `blocks.${i}`), 'conv_head'];
  test.each([
    [224, [32, 112], [16, 112], [24, 56], [40, 28], [80, 14], [112, 14], [192, 7], [320, 7], [1280, 7]],
    [64, [32, 32], [16, 32], [24, 16], [40, 8], [80, 4], [112, 4], [192, 2], [320, 2], [1280, 2]],
    [32, [32, 16], [16, 16], [24, 8], [40, 4], [80, 2], [112, 2], [192, 1], [320, 1], [1280, 1]],
  ])('of EfficientNet-Lite0 at %i, both variants', (side, ...expected) => {
    expect(shapesOf('efficientnet-lite0', side, stages, { end: 'classes' })).toEqual(expected);
    expect(shapesOf('efficientnet-lite0-torch', side, stages, { end: 'classes' })).toEqual(expected);
  });

  test('a quarter of the channels is the teacher of the published random experiment', () => {
    expect(summaryOf('vgg16', 32, { channelFactor: 0.25 }).trainable).toBe(920_784);
  });
});
