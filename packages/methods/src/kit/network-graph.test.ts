import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientError, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { countTensors } from './memory.js';
import { createNetwork, type FrozenWeights } from './network.js';
import type { LayerPlan } from './network-plan.js';
import { summarizeNetwork } from './network-summary.js';

function create(input: number[], layers: readonly LayerPlan[], frozen?: FrozenWeights, seed = 3) {
  const context = { seed, generator: createGenerator(seed, 'noise') };
  return createNetwork({ name: 'net', input, layers }, frozen === undefined ? context : { ...context, frozen });
}

/** `[1, side, side, 1]` of 0, 1, 2, … */
const ramp = (side: number) => tf.reshape(tf.range(0, side * side), [1, side, side, 1]) as tf.Tensor4D;

/** A convolution of one channel whose kernel is 1 at its centre. */
function centre(
  kernelSize: number,
  padding: LayerPlan extends infer P ? (P extends { padding: infer Q } ? Q : never) : never,
) {
  const network = create(
    [6, 6, 1],
    [{ kind: 'conv2d', name: 'c', filters: 1, kernelSize, strides: 2, padding: padding as 'same', bias: false }],
  );
  const kernel = tf.buffer([kernelSize, kernelSize, 1, 1]);
  kernel.set(1, (kernelSize - 1) / 2, (kernelSize - 1) / 2, 0, 0);
  network.variable('c', 'kernel').assign(kernel.toTensor());
  return Array.from(network.apply(ramp(6), 'infer').dataSync());
}

const picked = (rows: number[]) => rows.flatMap((row) => rows.map((column) => 6 * row + column));

beforeAll(useNativeEngine);

describe('padding by numbers', () => {
  test.each([
    [3, 1, [0, 2, 4]],
    [3, 'same', [1, 3, 5]],
    [7, 3, [0, 2, 4]],
    [7, 'same', [1, 3, 5]],
  ] as const)('a stride-2 convolution of %i with padding %s samples rows %j', (kernelSize, padding, rows) => {
    expect(centre(kernelSize, padding)).toEqual(picked([...rows]));
  });

  test('of a max pool never wins, even over negative values', () => {
    const pool = (padding: 1 | 'same') =>
      create([6, 6, 1], [{ kind: 'maxPool2d', name: 'p', poolSize: 3, strides: 2, padding }]);
    const x = tf.sub(ramp(6), 100);

    expect(Array.from(tf.add(pool(1).apply(x, 'infer'), 100).dataSync())).toEqual(picked([1, 3, 5]));
    expect(Array.from(tf.add(pool('same').apply(x, 'infer'), 100).dataSync())).toEqual(picked([2, 4, 5]));
  });

  test('has the gradient of finite differences, for every kind of window', () => {
    const layers: LayerPlan[] = [
      { kind: 'conv2d', name: 'c', filters: 3, kernelSize: 3, strides: 2, padding: 1 },
      { kind: 'depthwiseConv2d', name: 'd', kernelSize: 5, strides: 2, padding: 2 },
      { kind: 'maxPool2d', name: 'p', poolSize: 3, strides: 1, padding: 1 },
    ];
    const network = create([9, 9, 2], layers);

    expect(network.summary.output).toEqual([3, 3, 3]);
    expect(gradientError((x) => tf.mean(network.apply(x, 'infer')), waves([2, 9, 9, 2]), 1e-3)).toBeLessThan(1e-2);
  });
});

test('an average pool is the mean of each whole window, with its gradient', () => {
  const network = create([5, 4, 1], [{ kind: 'averagePool2d', name: 'p', poolSize: 2 }]);
  const x = tf.tensor4d(
    Array.from({ length: 20 }, (_, i) => i),
    [1, 5, 4, 1],
  );

  expect(network.summary.output).toEqual([2, 2, 1]);
  expect(Array.from(network.apply(x, 'infer').dataSync())).toEqual([2.5, 4.5, 10.5, 12.5]);
  const square = (input: tf.Tensor) => tf.mean(tf.square(network.apply(input, 'infer')));
  expect(gradientError(square as (x: tf.Tensor) => tf.Scalar, waves([2, 5, 4, 1]))).toBeLessThan(1e-2);
});

test('a convolution equals six nested loops', () => {
  const network = create([5, 5, 2], [{ kind: 'conv2d', name: 'c', filters: 3, kernelSize: 3, strides: 2, padding: 1 }]);
  const x = waves([1, 5, 5, 2]) as tf.Tensor4D;
  const y = network.apply(x, 'infer');
  const [pixels, kernel] = [x.bufferSync(), network.variable('c', 'kernel').bufferSync()];
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      for (let out = 0; out < 3; out++) {
        let sum = 0;
        for (let v = 0; v < 3; v++) {
          for (let u = 0; u < 3; u++) {
            const [top, left] = [2 * row + v - 1, 2 * column + u - 1];
            if (top < 0 || left < 0 || top > 4 || left > 4) continue;
            for (let channel = 0; channel < 2; channel++) {
              sum += pixels.get(0, top, left, channel) * kernel.get(v, u, channel, out);
            }
          }
        }
        expect(y.bufferSync().get(0, row, column, out)).toBeCloseTo(sum, 5);
      }
    }
  }
});

describe('skip connections', () => {
  const block: LayerPlan[] = [
    { kind: 'conv2d', name: 'in', filters: 2, kernelSize: 1, padding: 'valid' },
    { kind: 'conv2d', name: 'left', filters: 2, kernelSize: 3, padding: 'same' },
    { kind: 'activation', name: 'left-act', activation: 'relu6' },
    { kind: 'conv2d', name: 'right', filters: 2, kernelSize: 1, padding: 'same', from: 'in' },
    { kind: 'add', name: 'sum', with: 'left-act' },
    { kind: 'globalAveragePool', name: 'mean' },
  ];

  test('add what the plan says, and taps are the layers’ outputs', () => {
    const network = create([4, 4, 3], block);
    const x = waves([2, 4, 4, 3]);
    const [sum, inner, mean] = network.taps(x, 'infer', ['sum', 'in', 'mean']) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const left = network.layer('left-act').apply(network.layer('left').apply(inner, 'infer'), 'infer');
    const right = network.layer('right').apply(inner, 'infer');

    expect(maxDifference(sum, tf.add(left, right))).toBeLessThan(1e-6);
    expect(maxDifference(mean, tf.mean(sum, [1, 2]))).toBeLessThan(1e-6);
    expect(maxDifference(network.apply(x, 'infer', 'sum'), sum)).toBe(0);
  });

  test('free every result but those asked for', () => {
    const network = create([4, 4, 3], block);
    const x = waves([2, 4, 4, 3]);
    const before = countTensors();
    const taps = network.taps(x, 'infer', ['in', 'mean']);

    expect(countTensors()).toBe(before + 2);
    for (const tap of taps) tap.dispose();
  });

  test('that do not fit are refused by name', () => {
    const summary = (changed: Partial<LayerPlan>) => () =>
      summarizeNetwork({
        name: 'net',
        input: [4, 4, 3],
        layers: block.map((layer) => (layer.name === 'sum' ? ({ ...layer, ...changed } as LayerPlan) : layer)),
      });

    expect(summary({ with: 'later' })).toThrow(/layer 'sum' \(add\): there is no layer 'later' before it/);
    expect(summary({ from: 'mean' })).toThrow(/there is no layer 'mean' before it/);
    expect(() =>
      summarizeNetwork({
        name: 'net',
        input: [4, 4, 3],
        layers: [block[0]!, { ...block[1]!, filters: 3 } as LayerPlan, { kind: 'add', name: 'sum', with: 'in' }],
      }),
    ).toThrow(/cannot add \[4,4,2\] to \[4,4,3\]/);
  });
});

describe('a frozen network', () => {
  const layers: LayerPlan[] = [
    { kind: 'conv2d', name: 'c1', filters: 4, kernelSize: 3, padding: 1, bias: false },
    { kind: 'batchNorm', name: 'b1', epsilon: 1e-3 },
    { kind: 'activation', name: 'a1', activation: 'relu' },
    { kind: 'depthwiseConv2d', name: 'd', kernelSize: 3, padding: 1, bias: false },
    { kind: 'batchNorm', name: 'b2' },
    { kind: 'add', name: 'sum', with: 'a1' },
  ];
  const seeded: FrozenWeights = { from: 'seed' };

  /** Statistics as a trained network has them. */
  function disturb(network: ReturnType<typeof create>) {
    for (const [i, { variable, parameter }] of network.nonTrainable.entries()) {
      if (parameter === 'kernel') continue;
      const values = tf.mul(waves(variable.shape, i), 0.3);
      variable.assign(parameter === 'movingVariance' || parameter === 'gamma' ? tf.add(tf.abs(values), 0.2) : values);
    }
  }

  test('computes the same with its normalisations folded, also after they change', () => {
    const network = create([5, 5, 3], layers, seeded);
    const x = waves([2, 5, 5, 3]);
    for (let round = 0; round < 2; round++) {
      const folded = network.apply(x, 'infer');
      let plain = x;
      for (const name of ['c1', 'b1', 'a1']) plain = network.layer(name).apply(plain, 'infer');
      const deep = network.layer('b2').apply(network.layer('d').apply(plain, 'infer'), 'infer');

      expect(maxDifference(folded, tf.add(deep, plain))).toBeLessThan(1e-4 * tf.max(tf.abs(folded)).dataSync()[0]!);
      disturb(network);
    }
  });

  test('gives every layer’s output, folded ones too, and no tensor stays behind', () => {
    const before = countTensors();
    const network = create([5, 5, 3], layers, seeded);
    tf.tidy(() => {
      const x = waves([2, 5, 5, 3]);
      const [raw, normalized] = network.taps(x, 'infer', ['c1', 'b1']) as [tf.Tensor, tf.Tensor];
      expect(maxDifference(network.layer('b1').apply(raw, 'infer'), normalized)).toBeLessThan(1e-5);
      network.apply(x, 'infer');
    });
    network.dispose();

    expect(countTensors()).toBe(before);
  });

  test('has nothing to train, and saves no more than its seed cannot give back', () => {
    const network = create([5, 5, 3], layers, seeded);

    expect(network.trainable).toEqual([]);
    expect(network.saved.map(({ name }) => name)).toEqual([
      'net/b1/movingMean',
      'net/b1/movingVariance',
      'net/b2/movingMean',
      'net/b2/movingVariance',
    ]);
    expect(network.origin).toEqual({ kind: 'seed', seed: 3 });
    const other = create([5, 5, 3], layers, seeded, 4);
    other.reseed(3);
    const x = waves([1, 5, 5, 3]);
    expect(maxDifference(other.apply(x, 'infer'), network.apply(x, 'infer'))).toBe(0);
    expect(other.origin).toEqual({ kind: 'seed', seed: 3 });
  });

  test('with weights of its own saves nothing and cannot be drawn again', () => {
    const frozen: FrozenWeights = {
      from: {
        sha256: 'ab',
        valuesOf: (_layer, { shape }) => new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5),
      },
    };
    const network = create([5, 5, 3], layers, frozen);

    expect(network.saved).toEqual([]);
    expect(network.origin).toEqual({ kind: 'weights', sha256: 'ab' });
    expect(network.variable('c1', 'kernel').dataSync()[7]).toBe(0.5);
    expect(() => network.reseed(1)).toThrow(expect.objectContaining({ code: 'not_seeded' }));
    expect(create([5, 5, 3], layers).origin).toBeNull();
  });
});
