import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { maxDifference, useNativeEngine } from '../testing/engine.fixtures.js';
import { smoothMaps } from './smooth-maps.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('smoothing of maps', () => {
  test.each([1, 2, 4])('with sigma %d keeps a constant map, spreads a peak and lowers its maximum', (sigma) => {
    const constant = tf.fill<tf.Rank.R3>([2, 64, 40], 0.7);
    const peak = tf.buffer<tf.Rank.R3>([1, 64, 40]);
    peak.set(1, 0, 30, 20);
    const smooth = smoothMaps(peak.toTensor(), sigma);

    expect(maxDifference(smoothMaps(constant, sigma), constant)).toBeLessThan(1e-6);
    expect(tf.sum(smooth).dataSync()[0]).toBeCloseTo(1, 4);
    // Centre of a Gaussian cut at 3 sigma, in two dimensions.
    let total = 0;
    for (let i = -3 * sigma; i <= 3 * sigma; i++) total += Math.exp(-(i * i) / (2 * sigma * sigma));
    expect(tf.max(smooth).dataSync()[0]).toBeCloseTo(1 / total ** 2, 4);
  });
});
