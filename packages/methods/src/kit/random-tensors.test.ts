import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maxDifference, useJavaScriptBackend, useNativeEngine } from '../testing/engine.fixtures.js';
import { countTensors } from './memory.js';
import { randomBernoulli, randomNormal, randomUniform } from './random-tensors.js';
import { disposeScalars } from './scalars.js';

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('random tensors on the %s backend', (_name, useBackend) => {
  beforeAll(useBackend);
  afterAll(disposeScalars);

  test('have the moments of their distributions', () => {
    const generator = createGenerator(1);
    const momentsOf = (x: tf.Tensor) => {
      const { mean, variance } = tf.moments(x);
      return [mean.dataSync()[0]!, Math.sqrt(variance.dataSync()[0]!)] as const;
    };
    const [normalMean, normalSd] = momentsOf(randomNormal(generator, [200, 500]));
    const [uniformMean, uniformSd] = momentsOf(randomUniform(generator, [200, 500], -1, 1));
    const [share] = momentsOf(randomBernoulli(generator, [200, 500], 0.25));

    expect(normalMean).toBeCloseTo(0, 1);
    expect(normalSd).toBeCloseTo(1, 1);
    expect(uniformMean).toBeCloseTo(0, 1);
    expect(uniformSd).toBeCloseTo(1 / Math.sqrt(3), 2);
    expect(share).toBeGreaterThan(0.24);
    expect(share).toBeLessThan(0.26);
  });

  test('stay inside their range and are not symmetric copies', () => {
    const drawn = randomUniform(createGenerator(2), [10_000], -1, 1);

    expect(tf.min(drawn).dataSync()[0]).toBeGreaterThanOrEqual(-1);
    expect(tf.max(drawn).dataSync()[0]).toBeLessThan(1);
    expect(new Set(drawn.dataSync()).size).toBeGreaterThan(9_900);
  });

  test('repeat from the generator state and differ between draws', () => {
    const generator = createGenerator(3);
    const state = generator.state();
    const first = randomNormal(generator, [50]);
    const second = randomNormal(generator, [50]);
    generator.restore(state);

    expect(maxDifference(randomNormal(generator, [50]), first)).toBe(0);
    expect(maxDifference(first, second)).toBeGreaterThan(0.1);
  });

  test('leave nothing behind but their result', () => {
    const generator = createGenerator(4);
    randomBernoulli(generator, [2], 0.5).dispose();
    randomUniform(generator, [2], -1, 1).dispose();
    const count = countTensors();
    const drawn = [
      randomNormal(generator, [3]),
      randomUniform(generator, [3], -1, 1),
      randomBernoulli(generator, [3], 0.5),
    ];

    expect(countTensors()).toBe(count + 3);
    tf.dispose(drawn);
  });
});
