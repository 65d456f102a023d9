import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  gradientError,
  maxDifference,
  useJavaScriptBackend,
  useNativeEngine,
  waves,
} from '../testing/engine.fixtures.js';
import { mirrorHalf } from './mirror.js';
import { createNetwork, type Network } from './network.js';
import type { LayerPlan } from './network-plan.js';
import { summarizeNetwork } from './network-summary.js';
import { disposeScalars } from './scalars.js';

type Picture = [height: number, width: number, channels: number];

function build(input: Picture, layer: LayerPlan): Network {
  return createNetwork({ name: 'net', input, layers: [layer] }, { seed: 1, generator: createGenerator(1) });
}

/** A scalar that weighs every output of the layer differently. */
const weighed = (network: Network) => (x: tf.Tensor) => {
  const y = network.apply(x, 'infer');
  return tf.sum(tf.mul(y, waves(y.shape, 0.7))) as tf.Scalar;
};

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('picture layers on the %s backend', (_name, useBackend) => {
  beforeAll(useBackend);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());
  afterAll(disposeScalars);

  test('reflection mirrors about the border pixels: a b c d by 2 is c b a b c d c b', () => {
    const network = build([3, 4, 1], { kind: 'reflectPad', name: 'pad', padding: 2 });
    const rows = tf.tensor4d([1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24], [1, 3, 4, 1]);
    const padded = network.apply(rows, 'infer');

    expect(padded.shape).toEqual([1, ...network.summary.output]);
    expect(Array.from(tf.slice(padded, [0, 2, 0, 0], [1, 1, 8, 1]).dataSync())).toEqual([3, 2, 1, 2, 3, 4, 3, 2]);
    expect(Array.from(tf.slice(padded, [0, 0, 2, 0], [1, 7, 1, 1]).dataSync())).toEqual([21, 11, 1, 11, 21, 11, 1]);
  });

  test('the gradient of a reflection counts border pixels as often as they appear', () => {
    const network = build([4, 5, 2], { kind: 'reflectPad', name: 'pad', padding: 2 });

    expect(gradientError(weighed(network), waves([2, 4, 5, 2]), 1e-2)).toBeLessThan(0.005);
    const corner = tf
      .grad((x: tf.Tensor) => tf.sum(network.apply(x, 'infer')))(tf.ones([1, 4, 5, 2]))
      .arraySync();
    // Rows 1 and 2 appear again above, rows 1 and 2 below; columns 1, 2 to the left, 2, 3 to the right.
    expect((corner as number[][][][])[0]!.map((row) => row.map((pixel) => pixel[0]))).toEqual([
      [1, 2, 3, 2, 1],
      [3, 6, 9, 6, 3],
      [3, 6, 9, 6, 3],
      [1, 2, 3, 2, 1],
    ]);
  });

  test.each([8, 9])('a dilated convolution of a side of %d takes taps two pixels apart', (side) => {
    const network = build([side, 7, 2], {
      kind: 'conv2d',
      name: 'conv',
      filters: 3,
      kernelSize: 3,
      padding: 'valid',
      dilation: 2,
    });
    const x = waves([2, side, 7, 2]) as tf.Tensor4D;
    const [pixels, kernel] = [x.arraySync(), network.variable('conv', 'kernel').arraySync() as number[][][][]];
    const expected = tf.buffer<tf.Rank.R4>([2, side - 4, 3, 3]);
    for (let b = 0; b < 2; b++) {
      for (let i = 0; i < side - 4; i++) {
        for (let j = 0; j < 3; j++) {
          for (let f = 0; f < 3; f++) {
            let sum = 0;
            for (let ky = 0; ky < 3; ky++) {
              for (let kx = 0; kx < 3; kx++) {
                for (let c = 0; c < 2; c++) {
                  sum += pixels[b]![i + 2 * ky]![j + 2 * kx]![c]! * kernel[ky]![kx]![c]![f]!;
                }
              }
            }
            expected.set(sum, b, i, j, f);
          }
        }
      }
    }

    expect(network.summary.output).toEqual([side - 4, 3, 3]);
    expect(maxDifference(network.apply(x, 'infer'), expected.toTensor())).toBeLessThan(1e-5);
    expect(gradientError(weighed(network), x, 1e-2)).toBeLessThan(0.01);
  });

  test('instance norm gives every channel of every image mean 0 and variance 1, whatever is beside it', () => {
    const network = build([6, 5, 3], { kind: 'instanceNorm', name: 'norm' });
    const x = waves([4, 6, 5, 3]);
    const { mean, variance } = tf.moments(network.apply(x, 'train'), [1, 2]);

    expect(maxDifference(mean, tf.zeros([4, 3]))).toBeLessThan(1e-5);
    expect(maxDifference(variance, tf.ones([4, 3]))).toBeLessThan(1e-3);
    const alone = network.apply(tf.slice(x, [2, 0, 0, 0], [1, -1, -1, -1]), 'infer');
    const among = tf.slice(network.apply(x, 'infer'), [2, 0, 0, 0], [1, -1, -1, -1]);
    expect(maxDifference(alone, among)).toBeLessThan(1e-6);
    expect(gradientError(weighed(network), x, 1e-2)).toBeLessThan(0.01);
  });

  test('the gradient of an instance norm has the right gradient', () => {
    const network = build([3, 2, 2], { kind: 'instanceNorm', name: 'norm' });
    const penalty = (x: tf.Tensor) => tf.sum(tf.square(tf.grad(weighed(network))(x))) as tf.Scalar;

    expect(gradientError(penalty, waves([2, 3, 2, 2], 0.2), 2e-3)).toBeLessThan(0.02);
  });

  // The plain JavaScript backend resizes only the first image of a batch rightly.
  test('upsampling repeats pixels, and its gradient adds them up', () => {
    const network = build([2, 3, 2], { kind: 'upsample', name: 'up', factor: 2 });
    const x = waves([1, 2, 3, 2]) as tf.Tensor4D;
    const expected = tf.reshape(tf.tile(tf.reshape(x, [1, 2, 1, 3, 1, 2]), [1, 1, 2, 1, 2, 1]), [1, 4, 6, 2]);

    expect(maxDifference(network.apply(x, 'infer'), expected)).toBe(0);
    expect(maxDifference(tf.grad((y: tf.Tensor) => tf.sum(network.apply(y, 'infer')))(x), tf.fill(x.shape, 4))).toBe(0);
    expect(gradientError(weighed(network), x, 1e-2)).toBeLessThan(0.01);
  });

  test('mirroring turns about half of the images and changes no other', () => {
    const x = waves([64, 3, 4, 1]) as tf.Tensor4D;
    const images = tf.unstack(x);
    const turned = tf.unstack(mirrorHalf(x, createGenerator(2))).map((image, i) => {
      const isSame = maxDifference(image, images[i]!) === 0;
      if (!isSame) expect(maxDifference(tf.reverse(image, 1), images[i]!)).toBe(0);
      return !isSame;
    });

    expect(turned.filter(Boolean).length).toBeGreaterThan(20);
    expect(turned.filter(Boolean).length).toBeLessThan(44);
  });
});

test.each<[string, Picture, LayerPlan, RegExp]>([
  ['a reflection as wide as the picture', [4, 2, 1], { kind: 'reflectPad', name: 'a', padding: 2 }, /cannot mirror 2/],
  [
    'a strided dilation',
    [9, 9, 1],
    { kind: 'conv2d', name: 'a', filters: 1, kernelSize: 3, padding: 'valid', strides: 2, dilation: 2 },
    /dilation needs stride 1/,
  ],
])('refuses %s', (_what, input, layer, message) => {
  expect(() => summarizeNetwork({ name: 'net', input, layers: [layer] })).toThrow(message);
});
