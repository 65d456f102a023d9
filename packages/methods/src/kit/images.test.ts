import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { assertImageShape, cropImages, fromSigned, padImages, toSigned } from './images.js';
import { guardTensors } from './memory.js';
import { disposeScalars, scalar } from './scalars.js';

describe('images', () => {
  beforeAll(useNativeEngine);
  afterAll(disposeScalars);

  test('a wrong shape is a user error naming both shapes', () => {
    const shape = { height: 28, width: 28, channels: 1 };

    expect(() => assertImageShape(tf.zeros([2, 28, 28, 1]), shape)).not.toThrow();
    expect(() => assertImageShape(tf.zeros([2, 32, 32, 3]), shape)).toThrow(
      expect.objectContaining({
        code: 'wrong_image_shape',
        kind: 'user',
        message: expect.stringMatching(/\[batch, 28, 28, 1\], got \[2, 32, 32, 3\]/),
      }),
    );
    expect(() => assertImageShape(tf.zeros([28, 28, 1]), shape)).toThrow(/got \[28, 28, 1\]/);
  });

  test('scaling to [-1, 1] and back is the identity', () => {
    const x = tf.sigmoid(waves([2, 3, 3, 1]));

    expect(Array.from(toSigned(tf.tensor1d([0, 0.5, 1])).dataSync())).toEqual([-1, 0, 1]);
    expect(maxDifference(fromSigned(toSigned(x)), x)).toBeLessThan(1e-6);
  });

  test('padding centres the image, an odd rest goes to the bottom and right, and cropping undoes it', () => {
    const x = waves([2, 3, 4, 2]) as tf.Tensor4D;
    const padded = padImages(x, 6, 7, -1);

    expect(padded.shape).toEqual([2, 6, 7, 2]);
    expect(padded.arraySync()[0]![0]!.flat()).toEqual(new Array(14).fill(-1));
    expect(padded.arraySync()[0]![5]!.flat()).toEqual(new Array(14).fill(-1));
    expect(padded.arraySync()[0]![1]![1]).toEqual(x.arraySync()[0]![0]![0]);
    expect(maxDifference(cropImages(padded, 3, 4), x)).toBe(0);
  });
});

describe('memory', () => {
  beforeAll(useNativeEngine);

  test('the guard names what left tensors behind', () => {
    const guard = guardTensors('trial t-1');
    guard.check();
    const leaked = tf.zeros([2]);

    expect(() => guard.check()).toThrow(/trial t-1 left 1 tensors behind/);
    guard.check(1);
    leaked.dispose();
  });

  test('a scalar is made once per value and again after disposal', () => {
    const guard = guardTensors('scalars');
    const first = scalar(0.123);
    tf.tidy(() => scalar(0.123));

    expect(scalar(0.123)).toBe(first);
    expect(first.isDisposed).toBe(false);
    disposeScalars();
    expect(scalar(0.123).dataSync()[0]).toBeCloseTo(0.123, 6);
    disposeScalars();
    guard.check();
  });
});
