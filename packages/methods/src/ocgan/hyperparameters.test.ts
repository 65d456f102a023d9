import { describe, expect, test } from 'vitest';
import { Hyperparameters, isMiningEpoch, presets } from './hyperparameters.js';

const GREY = { height: 28, width: 28, channels: 1 };
const COLOUR = { height: 32, width: 32, channels: 3 };
const preset = (name: 'paper' | 'default' | 'quick', input = GREY) => Hyperparameters.parse(presets[name](input));

describe('ocgan presets', () => {
  test('mining starts in the epoch the spec names: 151 of 200, 38 of 50, 11 of 20', () => {
    const firstMiningEpoch = (h: Hyperparameters) =>
      Array.from({ length: h.epochs }, (_, i) => i + 1).find((epoch) => isMiningEpoch(h, epoch));

    expect(firstMiningEpoch(preset('paper'))).toBe(151);
    expect(firstMiningEpoch(preset('default'))).toBe(38);
    expect(firstMiningEpoch(preset('quick'))).toBe(11);
  });

  test('follow the table of spec 3.5', () => {
    expect(preset('paper')).toMatchObject({ geometry: 'paper61', batchSize: 512, encoderWidth: 64, visualWidth: 12 });
    expect(preset('default')).toMatchObject({ batchSize: 128, latentSize: 16, mineSteps: 5, mineStepSize: 1 });
    expect(preset('default', COLOUR).latentSize).toBe(128);
    expect(preset('quick')).toMatchObject({
      encoderWidth: 16,
      classifierWidth: 16,
      visualWidth: 12,
      learningRate: 1e-3,
    });
  });

  test('no epoch mines with mineSteps 0', () => {
    expect(isMiningEpoch({ ...preset('quick'), mineSteps: 0 }, 20)).toBe(false);
  });
});
