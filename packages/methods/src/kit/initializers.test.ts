import { describe, expect, test } from 'vitest';
import { initialValues } from './initializers.js';
import type { InitializerPlan } from './network-plan.js';

function draw(initializer: InitializerPlan): Float32Array {
  const parameter = {
    name: 'kernel',
    shape: [3, 3, 20, 50],
    initializer,
    trainable: true,
    fanIn: 180,
    fanOut: 450,
  } as const;
  return initialValues(parameter, { seed: 1, network: 'net', layer: 'conv' });
}

function moments(values: Float32Array): [mean: number, deviation: number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)];
}

describe('initial values', () => {
  test.each<[string, InitializerPlan, number, number]>([
    ['normal', { kind: 'normal', mean: 1, sd: 0.02 }, 1, 0.02],
    // Cutting at two deviations leaves 0.8796 of one.
    ['truncatedNormal', { kind: 'truncatedNormal', sd: 0.02 }, 0, 0.8796 * 0.02],
    ['heNormal', { kind: 'heNormal' }, 0, Math.sqrt(2 / 180)],
    ['heUniform', { kind: 'heUniform' }, 0, Math.sqrt(2 / 180)],
    ['glorotUniform', { kind: 'glorotUniform' }, 0, Math.sqrt(2 / 630)],
    ['ones', { kind: 'ones' }, 1, 0],
  ])('%s has the mean and deviation its rule says', (_name, initializer, mean, deviation) => {
    const [actualMean, actualDeviation] = moments(draw(initializer));

    expect(Math.abs(actualMean - mean)).toBeLessThan(0.003);
    expect(Math.abs(actualDeviation - deviation)).toBeLessThan(0.03 * deviation + 1e-9);
  });

  test('a truncated normal has nothing beyond two deviations', () => {
    const values = draw({ kind: 'truncatedNormal', sd: 0.02 });

    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.04));
    expect(values.some((value) => Math.abs(value) > 0.039)).toBe(true);
  });
});
