import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createNetwork } from '../kit/network.js';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { gradientError, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { Hyperparameters, refuse, warn } from './hyperparameters.js';
import { createInpaint, type Inpaint } from './inpaint.js';
import { smai } from './method.js';
import { planNetworks } from './networks.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

function shape(text: string): ImageShape {
  const [height, width, channels] = text.split('x').map(Number) as [number, number, number];
  return { height, width, channels };
}

const LARGE = { baseChannels: 32, levels: 4 };
const SMALL = { baseChannels: 16, levels: 3 };

function build(changes: Partial<Hyperparameters>, input: ImageShape): Inpaint {
  const h = Hyperparameters.parse(changes);
  const network = createNetwork(planNetworks(h, input)[0]!, { seed: 1, generator: createGenerator(1) });
  return createInpaint(network, h.levels, h.partialConv);
}

describe('parameter counts of the spec', () => {
  test.each([
    ['256x256x3', LARGE, 2_742_819],
    ['256x256x1', LARGE, 2_741_665],
    ['64x64x1', SMALL, 169_489],
    ['64x64x3', SMALL, 170_067],
    ['32x32x1', SMALL, 169_489],
    ['28x28x1', SMALL, 169_489],
  ])('%s', (text, sizes, count) => {
    const summary = summarizeNetwork(planNetworks(Hyperparameters.parse(sizes), shape(text))[0]!);

    expect(summary.trainable).toBe(count);
    expect(summary.output).toEqual([shape(text).height, shape(text).width, shape(text).channels]);
  });

  test('layer by layer at 256x256x3', () => {
    const { layers } = summarizeNetwork(planNetworks(Hyperparameters.parse(LARGE), shape('256x256x3'))[0]!);
    const blocks = new Map<string, { parameters: number; side: number }>();
    for (const { plan, trainable, outputShape } of layers) {
      const name = plan.name.split('-')[0]!;
      blocks.set(name, { parameters: (blocks.get(name)?.parameters ?? 0) + trainable, side: outputShape[0]! });
    }

    expect(Object.fromEntries(blocks)).toEqual({
      e0: { parameters: 1_248, side: 256 },
      e1: { parameters: 18_624, side: 128 },
      e2: { parameters: 74_112, side: 64 },
      e3: { parameters: 295_680, side: 32 },
      e4: { parameters: 590_592, side: 16 },
      d3: { parameters: 1_180_416, side: 32 },
      d2: { parameters: 442_752, side: 64 },
      d1: { parameters: 110_784, side: 128 },
      d0: { parameters: 27_744, side: 256 },
      out: { parameters: 867, side: 256 },
    });
  });

  test('partial convolutions need no mask channel', () => {
    const count = (partialConv: boolean) =>
      summarizeNetwork(planNetworks(Hyperparameters.parse({ ...LARGE, partialConv }), shape('256x256x3'))[0]!)
        .trainable;

    expect(count(true)).toBe(count(false) - 9 * 32);
  });
});

describe.each([false, true])('inpainting with partialConv %s', (partialConv) => {
  const mask = (input: ImageShape) => {
    const hidden = tf.buffer<tf.Rank.R4>([2, input.height, input.width, 1]);
    for (let i = 3; i < 11; i++) for (let j = 5; j < 14; j++) hidden.set(1, 0, i, j, 0);
    for (let i = 0; i < 6; i++) hidden.set(1, 1, i, 0, 0);
    return hidden.toTensor();
  };
  const pictures = ({ height, width, channels }: ImageShape, phase = 0) =>
    tf.sigmoid(waves([2, height, width, channels], phase)) as tf.Tensor4D;

  test.each(['32x32x1', '28x28x3', '30x42x1'])('gives %s pictures in [0, 1]', (text) => {
    const input = shape(text);
    const inpaint = build({ baseChannels: 4, levels: 3, partialConv }, input);
    const restored = inpaint(pictures(input), mask(input), 'infer');

    expect(restored.shape).toEqual([2, input.height, input.width, input.channels]);
    expect(tf.min(restored).dataSync()[0]).toBeGreaterThanOrEqual(0);
    expect(tf.max(restored).dataSync()[0]).toBeLessThanOrEqual(1);
  });

  test('never sees hidden pixels, but sees visible ones', () => {
    const input = shape('32x32x3');
    const inpaint = build({ baseChannels: 4, levels: 3, partialConv }, input);
    const [x, other, hidden] = [pictures(input), pictures(input, 2), mask(input)];
    const changed = (isWhereHidden: boolean) => {
      const where = isWhereHidden ? hidden : tf.sub(1, hidden);
      return tf.add(tf.mul(x, tf.sub(1, where)), tf.mul(other, where)) as tf.Tensor4D;
    };

    for (const mode of ['infer', 'train'] as const) {
      const restored = inpaint(x, hidden, mode);
      expect(maxDifference(inpaint(changed(true), hidden, mode), restored)).toBe(0);
      expect(maxDifference(inpaint(changed(false), hidden, mode), restored)).toBeGreaterThan(1e-3);
    }
  });

  test('has a gradient towards the visible pixels that agrees with finite differences', () => {
    const input = shape('15x18x2');
    const inpaint = build({ baseChannels: 3, levels: 2, partialConv }, input);
    const weigh = (x: tf.Tensor) => {
      const y = inpaint(x as tf.Tensor4D, mask(input), 'infer');
      return tf.sum(tf.mul(y, waves(y.shape, 0.7))) as tf.Scalar;
    };

    // Small steps, because leaky ReLUs bend under larger ones.
    expect(gradientError(weigh, pictures(input), 5e-4)).toBeLessThan(0.03);
  });
});

test('a partial convolution scales what it sees by what is missing', () => {
  const input = shape('16x16x1');
  const h = Hyperparameters.parse({ baseChannels: 1, levels: 1, partialConv: true });
  const network = createNetwork(planNetworks(h, input)[0]!, { seed: 1, generator: createGenerator(1) });
  const inpaint = createInpaint(network, 1, true);
  for (const { variable, parameter } of network.trainable) {
    if (parameter === 'kernel') variable.assign(tf.fill(variable.shape, 1 / 9));
  }
  // With averaging kernels every partial convolution of a constant image is constant per channel, whatever is hidden.
  const x = tf.fill<tf.Rank.R4>([1, 16, 16, 1], 0.7);
  const hole = tf.pad(tf.ones<tf.Rank.R4>([1, 9, 9, 1]), [
    [0, 0],
    [3, 4],
    [4, 3],
    [0, 0],
  ]) as tf.Tensor4D;
  const whole = inpaint(x, tf.zeros([1, 16, 16, 1]), 'infer');

  expect(tf.max(whole).dataSync()[0]! - tf.min(whole).dataSync()[0]!).toBeLessThan(1e-6);
  const holed = tf.mul(tf.sub(inpaint(x, hole, 'infer'), whole), tf.sub(1, hole));
  expect(maxDifference(holed, tf.zerosLike(holed))).toBeLessThan(1e-5);
});

describe('presets', () => {
  test.each([
    ['default', '28x28x1', { superpixelSide: 8, baseChannels: 16, levels: 3, epochs: 40, batchSize: 8 }],
    ['default', '256x256x3', { superpixelSide: 16, baseChannels: 32, levels: 4, epochs: 200, batchSize: 8 }],
    ['paper', '256x256x3', { superpixelSide: 16, baseChannels: 32, levels: 4, epochs: 200, batchSize: 8 }],
    ['paper', '64x64x1', { superpixelSide: 8, baseChannels: 16, levels: 3, epochs: 200, batchSize: 8 }],
    ['quick', '64x64x1', { superpixelSide: 8, baseChannels: 16, levels: 3, epochs: 40, batchSize: 8 }],
  ] as const)('%s for %s', (preset, text, expected) => {
    const { hyperparameters } = resolveHyperparameters(smai, { preset, input: shape(text) });

    expect(hyperparameters).toMatchObject({ ...expected, learningRate: 1e-3, compactness: 10, ssimWeight: 1 });
  });
});

describe('refusals', () => {
  test.each<[string, Partial<Hyperparameters>, string, RegExp]>([
    ['a superpixel as large as the image', { superpixelSide: 28 }, '28x28x1', /covers a whole 28x28 image/],
    ['more superpixels than labels', { superpixelSide: 2 }, '512x512x1', /at most 20000 are possible/],
    ['too many levels', { levels: 5 }, '28x28x1', /take at most 4/],
    ['a reversed range', { hiddenMin: 0.5, hiddenMax: 0.2 }, '28x28x1', /hiddenMin 0.5 is above hiddenMax 0.2/],
    ['a loss of nothing', { l1Weight: 0, ssimWeight: 0 }, '28x28x1', /nothing would be learned/],
    ['images smaller than the SSIM window', { superpixelSide: 4 }, '10x28x1', /sides of at least 11/],
  ])('of %s', (_what, changes, text, message) => {
    expect(refuse(Hyperparameters.parse(changes), shape(text))).toMatch(message);
    expect(refuse(Hyperparameters.parse({}), shape('28x28x1'))).toBeNull();
  });

  test('warns of many passes unless they are grouped', () => {
    const h = (changes: Partial<Hyperparameters>) => Hyperparameters.parse(changes);

    expect(warn(h({ superpixelSide: 16 }), shape('256x256x3'))[0]).toMatch(/about 256 passes/);
    expect(warn(h({ superpixelSide: 16, grouped: true }), shape('256x256x3'))).toEqual([]);
    expect(warn(h({}), shape('28x28x1'))).toEqual([]);
  });
});
