import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { maxDifference, useJavaScriptBackend, useNativeEngine, waves } from '../testing/engine.fixtures.js';

/** Output and both gradients of a stride-2 'same' transposed convolution on the active backend, as plain arrays. */
async function runOn(use: () => Promise<void>, k: number, channels: number) {
  await use();
  const x = waves([2, 5, 7, 6]) as tf.Tensor4D;
  const filter = waves([k, k, channels, 6], 1) as tf.Tensor4D;
  const weights = waves([2, 10, 14, channels], 2);
  const transpose = (a: tf.Tensor4D, f: tf.Tensor4D) => tf.conv2dTranspose(a, f, [2, 10, 14, channels], 2, 'same');
  const [dx, dFilter] = tf.grads((a, f) => tf.sum(tf.mul(transpose(a as tf.Tensor4D, f as tf.Tensor4D), weights)))([
    x,
    filter,
  ]);
  return [transpose(x, filter), dx!, dFilter!].map((t) => ({ shape: t.shape, values: t.dataSync() }));
}

describe('few-channel transposed convolution', () => {
  beforeAll(async () => {
    await useNativeEngine();
  });

  test.each([
    [3, 1],
    [4, 3],
    [5, 1],
    [5, 3],
    [5, 8],
  ])('kernel %i, %i channels: equals the plain JavaScript backend, gradients included', async (k, channels) => {
    const expected = await runOn(useJavaScriptBackend, k, channels);
    const actual = await runOn(useNativeEngine, k, channels);

    for (const [i, { shape, values }] of actual.entries()) {
      expect(shape).toEqual(expected[i]!.shape);
      expect(maxDifference(tf.tensor(values), tf.tensor(expected[i]!.values))).toBeLessThan(2e-4);
    }
  });

  test('runs one stride-1 convolution and leaks nothing', async () => {
    await useNativeEngine();
    const x = tf.ones([1, 4, 4, 2]) as tf.Tensor4D;
    const filter = tf.ones([5, 5, 1, 2]) as tf.Tensor4D;
    const before = tf.memory().numTensors;

    const profile = await tf.profile(() => tf.conv2dTranspose(x, filter, [1, 8, 8, 1], 2, 'same'));

    expect(profile.kernelNames).toContain('Conv2D');
    tf.dispose(profile.result as tf.Tensor);
    expect(tf.memory().numTensors).toBe(before);
  });
});
