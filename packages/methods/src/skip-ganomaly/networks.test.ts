import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { geometryOf } from './geometry.js';
import { Hyperparameters, refuse, warn } from './hyperparameters.js';
import { skipGanomaly } from './method.js';
import { planNetworks } from './networks.js';

const square = (side: number, channels: number): ImageShape => ({ height: side, width: side, channels });

function summaries(changes: Partial<Hyperparameters>, input: ImageShape) {
  const [generator, discriminator] = planNetworks(Hyperparameters.parse(changes), input).map(summarizeNetwork);
  return { generator: generator!, discriminator: discriminator! };
}

describe('parameter counts', () => {
  test.each([
    [32, 1, 16_652_929, 1_066_852, 3_712, 768],
    [32, 3, 16_659_075, 1_068_900, 3_712, 768],
    [64, 1, 29_237_889, 3_574_628, 5_760, 1_792],
    [64, 3, 29_244_035, 3_576_676, 5_760, 1_792],
    [128, 1, 41_822_849, 12_784_484, 7_808, 3_840],
    [128, 3, 41_828_995, 12_786_532, 7_808, 3_840],
    [256, 1, 54_407_809, 47_981_412, 9_856, 7_936],
    [256, 3, 54_413_955, 47_983_460, 9_856, 7_936],
  ])('%ix%i width 64', (side, channels, g, d, gAverages, dAverages) => {
    const { generator, discriminator } = summaries({}, square(side, channels));

    expect([generator.trainable, discriminator.trainable]).toEqual([g, d]);
    expect([generator.nonTrainable, discriminator.nonTrainable]).toEqual([gAverages, dAverages]);
    expect(generator.output).toEqual([side, side, channels]);
    expect(discriminator.output).toEqual([1]);
  });

  test.each([
    [1, 1_042_081, 143_908],
    [3, 1_043_619, 144_420],
  ])('32 with %i channels, width 16', (channels, g, d) => {
    const { generator, discriminator } = summaries({ width: 16 }, square(32, channels));

    expect([generator.trainable, discriminator.trainable]).toEqual([g, d]);
  });

  test('with at most 512 channels the discriminator of large images is small', () => {
    expect(summaries({ discMaxChannels: 512 }, square(128, 3)).discriminator.trainable).toBe(7_772_004);
    expect(summaries({ discMaxChannels: 512 }, square(256, 3)).discriminator.trainable).toBe(11_967_332);
  });

  test('every skip left out takes its half of a decoder kernel', () => {
    const counts = [0, 1, 2, 3, 4].map((skipLevels) => summaries({ skipLevels }, square(32, 1)).generator.trainable);

    expect(counts.slice(1).map((count, i) => counts[i]! - count)).toEqual([
      16 * 1 * 64,
      16 * 64 * 128,
      16 * 128 * 256,
      16 * 256 * 512,
    ]);
  });

  test('28x28 images are 32x32 to the networks, and any image the next power of two', () => {
    expect(summaries({}, square(28, 1)).generator.trainable).toBe(16_652_929);
    expect(geometryOf({ height: 40, width: 100, channels: 3 })).toEqual({ side: 128, channels: 3, levels: 7 });
    expect(geometryOf({ height: 8, width: 8, channels: 1 }).side).toBe(32);
  });
});

describe('hyperparameters', () => {
  const preset = (name: 'paper' | 'default' | 'quick', input: ImageShape) =>
    resolveHyperparameters(skipGanomaly, { preset: name, input }).hyperparameters;

  test('presets', () => {
    expect(preset('paper', square(32, 3))).toMatchObject({ width: 64, epochs: 25, wCon: 50, resize: 'bilinear' });
    expect(preset('default', square(28, 1))).toMatchObject({
      width: 64,
      epochs: 15,
      learningRate: 2e-4,
      batchSize: 64,
    });
    expect(preset('default', square(128, 3))).toMatchObject({ discMaxChannels: 512 });
    expect(preset('quick', square(28, 1))).toMatchObject({ width: 16, epochs: 3, resize: 'pad' });
  });

  test('leaving out more skips than there are is refused', () => {
    const h = Hyperparameters.parse({ skipLevels: 5 });

    expect(refuse(h, square(32, 1))).toMatch(/skipLevels 5 leaves out more skips than there are: 32x32 pixels have 4/);
    expect(refuse(h, square(64, 1))).toBeNull();
  });

  test('an uncapped discriminator of large images is warned of', () => {
    expect(warn(Hyperparameters.parse({}), square(256, 3))[0]).toMatch(/2048 channels at 256x256/);
    expect(warn(Hyperparameters.parse({ discMaxChannels: 512 }), square(256, 3))).toEqual([]);
    expect(warn(Hyperparameters.parse({}), square(64, 3))).toEqual([]);
  });
});
