import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { countTensors } from '../kit/memory.js';
import { disposeScalars } from '../kit/scalars.js';
import { BATCH_TOLERANCE, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { BACKBONE_NAMES, type BackboneName } from './architecture.js';
import { type BackboneOptions, createBackbone, normalizePixels, toBackbonePixels } from './backbone.js';
import { backboneOf } from './registry.js';

const context = (seed = 1) => ({ seed, generator: createGenerator(seed, 'noise') });
const random = (architecture: BackboneName, options: Partial<BackboneOptions> = {}, seed = 1) =>
  createBackbone(
    { architecture, weights: 'random', network: 'net', height: 32, width: 32, channelFactor: 0.25, ...options },
    context(seed),
  );
const pictures = (count = 3, side = 32) => tf.sigmoid(waves([count, side, side, 3])) as tf.Tensor4D;
const deviation = (x: tf.Tensor) => Math.sqrt(tf.moments(x).variance.dataSync()[0]!);

beforeAll(useNativeEngine);

describe.each(BACKBONE_NAMES)('random %s', (name) => {
  test('gives every tap in its planned shape, the same for an image alone and among others', async () => {
    const backbone = await random(name);
    backbone.calibrate(pictures());
    const taps = Object.keys(backboneOf(name).taps);
    const together = backbone.features(pictures(), taps);
    const alone = backbone.features(tf.slice4d(pictures(), [1, 0, 0, 0], [1, -1, -1, -1]), taps);

    for (const [i, feature] of together.entries()) {
      const layer = backboneOf(name).taps[taps[i]!]!;
      expect(feature.shape.slice(1)).toEqual([...backbone.network.layer(layer).summary.outputShape]);
      const own = tf.slice(feature, [1, 0, 0, 0], [1, -1, -1, -1]);
      expect(maxDifference(own, alone[i]!)).toBeLessThan(BATCH_TOLERANCE * Math.max(1, deviation(feature)));
      expect(deviation(feature)).toBeGreaterThan(0);
    }
    backbone.dispose();
  });

  test('leaves no tensor behind', async () => {
    disposeScalars();
    const before = countTensors();
    const backbone = await random(name);
    tf.tidy(() => {
      backbone.calibrate(pictures());
      backbone.features(pictures(), [Object.keys(backbone.architecture.taps).at(-1)!]);
    });
    backbone.dispose();
    disposeScalars();

    expect(countTensors()).toBe(before);
  });
});

test('VGG16 keeps the scale of its activations, a residual network only once it is calibrated', async () => {
  const vgg = await random('vgg16');
  const [pool1, pool5] = vgg.features(pictures(), ['pool1', 'pool5']) as [tf.Tensor, tf.Tensor];
  expect(deviation(pool5) / deviation(pool1)).toBeGreaterThan(0.2);
  expect(deviation(pool5) / deviation(pool1)).toBeLessThan(5);

  const resnet = await random('resnet18');
  const last = () => deviation(resnet.features(pictures(), ['layer4'])[0]!);
  const before = last();
  resnet.calibrate(pictures());
  expect(last()).toBeLessThan(before / 2);
  expect(last()).toBeLessThan(5);
});

test('calibration sets the moving averages to the statistics of the images, exactly', async () => {
  const backbone = await random('resnet18');
  backbone.calibrate(pictures());
  const [stem] = backbone.network.taps(normalizePixels(pictures(), backbone.architecture.normalization), 'infer', [
    'conv1',
  ]) as [tf.Tensor];
  const { mean, variance } = tf.moments(stem, [0, 1, 2]);

  expect(maxDifference(backbone.network.variable('bn1', 'movingMean'), mean)).toBeLessThan(1e-5);
  expect(maxDifference(backbone.network.variable('bn1', 'movingVariance'), variance)).toBeLessThan(1e-4);
  const [normalized] = backbone.network.taps(
    normalizePixels(pictures(), backbone.architecture.normalization),
    'infer',
    ['layer4.1.bn2'],
  ) as [tf.Tensor];
  expect(maxDifference(tf.mean(normalized, [0, 1, 2]), tf.zeros([128]))).toBeLessThan(1e-3);
});

test('the first convolution of VGG16 counts its window: 27 inside, 18 on edges, 12 in corners', async () => {
  const { network } = await random('vgg16');
  const kernel = network.variable('features.0', 'kernel');
  kernel.assign(tf.onesLike(kernel));
  const y = network
    .layer('features.0')
    .apply(tf.ones([1, 32, 32, 3]), 'infer')
    .bufferSync();

  expect([y.get(0, 1, 1, 0), y.get(0, 0, 1, 5), y.get(0, 31, 31, 2)]).toEqual([27, 18, 12]);
});

describe('pixels', () => {
  test('are normalised per channel', () => {
    const x = normalizePixels(tf.fill<tf.Rank.R4>([1, 1, 1, 3], 0.485), backboneOf('vgg16').normalization);
    const caffe = normalizePixels(tf.fill<tf.Rank.R4>([1, 1, 1, 3], 0.5), backboneOf('vgg16-caffe').normalization);

    expect(Array.from(x.dataSync())).toEqual([0, expect.closeTo(0.029 / 0.224, 5), expect.closeTo(0.079 / 0.225, 5)]);
    expect(caffe.dataSync()[0]).toBeCloseTo((0.5 - 0.48235) * 255, 4);
  });

  test('are enlarged with half-pixel centres and averaged before they are shrunk', () => {
    const row = tf.tile(tf.tensor4d([0, 1, 2, 3], [1, 1, 4, 1]), [1, 4, 1, 1]) as tf.Tensor4D;
    const enlarged = toBackbonePixels(row, 8, 8);
    const halved = toBackbonePixels(row, 2, 2);

    expect(enlarged.shape).toEqual([1, 8, 8, 3]);
    expect(Array.from(tf.slice(enlarged, [0, 0, 0, 0], [1, 1, 8, 1]).dataSync())).toEqual([
      0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3,
    ]);
    expect(Array.from(tf.slice(halved, [0, 0, 0, 2], [1, 1, 2, 1]).dataSync())).toEqual([0.5, 2.5]);
  });
});
