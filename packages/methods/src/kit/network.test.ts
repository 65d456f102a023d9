import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maxDifference, useJavaScriptBackend, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { createAdam } from './adam.js';
import { halfSquaredError } from './losses.js';
import { countTensors } from './memory.js';
import { minimize } from './minimize.js';
import { createNetwork, type Network } from './network.js';
import type { LayerPlan, NetworkPlan } from './network-plan.js';
import { disposeScalars } from './scalars.js';

const PLAN: NetworkPlan = {
  name: 'net',
  input: [6, 6, 2],
  layers: [
    { kind: 'conv2d', name: 'conv', filters: 3, kernelSize: 3, strides: 2, padding: 'same' },
    { kind: 'batchNorm', name: 'norm' },
    { kind: 'activation', name: 'act', activation: 'leakyRelu' },
    { kind: 'flatten', name: 'flat' },
    { kind: 'dense', name: 'code', units: 4 },
    { kind: 'activation', name: 'code-act', activation: 'tanh' },
    { kind: 'dense', name: 'wide', units: 27 },
    { kind: 'reshape', name: 'grid', shape: [3, 3, 3] },
    { kind: 'activation', name: 'relu', activation: 'relu' },
    { kind: 'conv2dTranspose', name: 'up', filters: 2, kernelSize: 4, strides: 2, padding: 'same' },
    { kind: 'activation', name: 'out', activation: 'sigmoid' },
  ],
};

function create(plan: NetworkPlan = PLAN, seed = 3): Network {
  return createNetwork(plan, { seed, generator: createGenerator(seed, 'noise') });
}

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('network on the %s backend', (_name, useBackend) => {
  beforeAll(useBackend);
  afterAll(disposeScalars);

  test('gives the planned shapes and names its variables in order', () => {
    const network = create();
    const y = network.apply(waves([5, 6, 6, 2]), 'infer');

    expect(y.shape).toEqual([5, ...network.summary.output]);
    expect(network.trainable.map((v) => v.name)).toEqual([
      'net/conv/kernel',
      'net/conv/bias',
      'net/norm/gamma',
      'net/norm/beta',
      'net/code/kernel',
      'net/code/bias',
      'net/wide/kernel',
      'net/wide/bias',
      'net/up/kernel',
      'net/up/bias',
    ]);
    expect(network.nonTrainable.map((v) => v.name)).toEqual(['net/norm/movingMean', 'net/norm/movingVariance']);
    network.dispose();
  });

  test('equal seeds give equal weights, another seed or layer name other ones', () => {
    const [a, b, c] = [create(), create(), create(PLAN, 4)];
    const kernel = (network: Network) => network.variable('conv', 'kernel');

    expect(maxDifference(kernel(a), kernel(b))).toBe(0);
    expect(maxDifference(kernel(a), kernel(c))).toBeGreaterThan(0.01);
    for (const network of [a, b, c]) network.dispose();
  });

  test('stops after the layer asked for and refuses one it does not have', () => {
    const network = create();

    expect(network.apply(waves([2, 6, 6, 2]), 'infer', 'code').shape).toEqual([2, 4]);
    expect(() => network.apply(waves([2, 6, 6, 2]), 'infer', 'kode')).toThrow(/no layer 'kode'; it has: conv, norm/);
    network.dispose();
  });

  test('the gradient of a whole network agrees with finite differences', () => {
    // Smooth activations: a kink of relu between the two points would be measured, not an error.
    const layers = PLAN.layers.map(
      (layer): LayerPlan => (layer.kind === 'activation' ? { ...layer, activation: 'tanh' } : layer),
    );
    const network = create({ ...PLAN, layers });
    const x = waves([3, 6, 6, 2]);
    const target = waves([3, 6, 6, 2], 1);
    const loss = () => halfSquaredError(network.apply(x, 'train'), target);
    const variables = network.trainable.map((v) => v.variable);
    const { grads } = tf.variableGrads(loss, variables);

    for (const variable of variables) {
      const direction = waves(variable.shape, 0.5);
      const start = variable.clone();
      const h = 2e-3;
      variable.assign(tf.add(start, tf.mul(direction, h)));
      const up = loss().dataSync()[0]!;
      variable.assign(tf.sub(start, tf.mul(direction, h)));
      const down = loss().dataSync()[0]!;
      variable.assign(start);
      const numeric = (up - down) / (2 * h);
      const analytic = tf.sum(tf.mul(grads[variable.name]!, direction)).dataSync()[0]!;
      // A bias before batch norm has gradient 0: compare absolutely there.
      expect(Math.abs(analytic - numeric)).toBeLessThan(0.02 * Math.abs(numeric) + 0.02);
    }
    network.dispose();
  });

  test('training steps lower the loss, keep the tensor count and leave other networks alone', () => {
    const network = create();
    const other = create(PLAN, 9);
    const before = other.variable('conv', 'kernel').clone();
    const optimizer = createAdam([network], { learningRate: 1e-2 });
    const x = tf.sigmoid(waves([8, 6, 6, 2]));
    const step = () => {
      const { total } = minimize(optimizer, () => ({ total: halfSquaredError(network.apply(x, 'train+update'), x) }));
      const value = total.dataSync()[0]!;
      total.dispose();
      return value;
    };

    const first = step();
    const count = countTensors();
    let last = first;
    for (let i = 0; i < 100; i++) last = step();

    expect(countTensors()).toBe(count);
    expect(last).toBeLessThan(0.7 * first);
    expect(maxDifference(before, other.variable('conv', 'kernel'))).toBe(0);
    optimizer.dispose();
    network.dispose();
    other.dispose();
  });

  test('disposing frees everything it made', () => {
    disposeScalars();
    const count = countTensors();
    const network = create();
    const optimizer = createAdam([network], { learningRate: 1e-2 });
    const x = waves([2, 6, 6, 2]);
    const { total } = minimize(optimizer, () => ({ total: halfSquaredError(network.apply(x, 'train+update'), x) }));
    tf.dispose([total, x]);
    optimizer.dispose();
    network.dispose();
    disposeScalars();

    expect(countTensors()).toBe(count);
  });
});

describe('layers', () => {
  beforeAll(useNativeEngine);

  test('a tied layer uses the transposed kernel and owns its bias alone', () => {
    const encoder = create({ name: 'encoder', input: [5], layers: [{ kind: 'dense', name: 'code', units: 3 }] });
    const decoder = createNetwork(
      {
        name: 'decoder',
        input: [3],
        layers: [{ kind: 'dense', name: 'output', units: 5, tiedTo: { network: 'encoder', layer: 'code' } }],
      },
      { seed: 3, generator: createGenerator(3), tied: [encoder] },
    );
    const z = waves([2, 3]) as tf.Tensor2D;
    const expected = tf.matMul(z, encoder.variable('code', 'kernel') as tf.Tensor as tf.Tensor2D, false, true);

    expect(decoder.trainable.map((v) => v.name)).toEqual(['decoder/output/bias']);
    expect(maxDifference(decoder.apply(z, 'infer'), expected)).toBeLessThan(1e-6);
    encoder.dispose();
    decoder.dispose();
  });

  test('refuses to tie to a layer of another shape', () => {
    const encoder = create({ name: 'encoder', input: [5], layers: [{ kind: 'dense', name: 'code', units: 3 }] });
    const plan: NetworkPlan = {
      name: 'decoder',
      input: [3],
      layers: [{ kind: 'dense', name: 'output', units: 4, tiedTo: { network: 'encoder', layer: 'code' } }],
    };

    expect(() => createNetwork(plan, { seed: 1, generator: createGenerator(1), tied: [encoder] })).toThrow(
      /no kernel of shape \[4, 3\] to tie to/,
    );
    encoder.dispose();
  });

  test('dropout keeps the mean, draws a new mask every pass and rests in inference', () => {
    const network = create({ name: 'd', input: [5000], layers: [{ kind: 'dropout', name: 'drop', rate: 0.4 }] });
    const ones = tf.ones([2, 5000]);
    const [first, second] = [network.apply(ones, 'train'), network.apply(ones, 'train+update')];
    const dropped = tf.mean(tf.cast(tf.equal(first, 0), 'float32')).dataSync()[0]!;

    expect(dropped).toBeCloseTo(0.4, 1);
    expect(tf.mean(first).dataSync()[0]).toBeCloseTo(1, 1);
    expect(maxDifference(first, second)).toBeGreaterThan(1);
    expect(maxDifference(network.apply(ones, 'infer'), ones)).toBe(0);
    network.dispose();
  });

  test('a transposed convolution with a stated size is the cut of a larger one', () => {
    const layer: LayerPlan = {
      kind: 'conv2dTranspose',
      name: 'up',
      filters: 2,
      kernelSize: 3,
      strides: 2,
      padding: 'same',
    };
    const [odd, even] = [{ ...layer, outputSize: [7, 7] as const }, layer].map((up) =>
      create({ name: 'decoder', input: [4, 4, 3], layers: [up] }),
    );
    const x = waves([2, 4, 4, 3]);
    const cut = odd!.apply(x, 'infer');
    const whole = even!.apply(x, 'infer');

    expect(cut.shape).toEqual([2, 7, 7, 2]);
    // 'same' pads the odd side on both ends and the even one at its end only, so the odd output starts one pixel in.
    expect(maxDifference(cut, tf.slice(whole, [0, 1, 1, 0], [2, 7, 7, 2]))).toBeLessThan(1e-5);
    odd!.dispose();
    even!.dispose();
  });

  test('a uniform initializer fills its range', () => {
    const kernelInitializer = { kind: 'uniform', limit: 0.25 } as const;
    const network = create({
      name: 'u',
      input: [50],
      layers: [{ kind: 'dense', name: 'd', units: 40, kernelInitializer }],
    });
    const largest = tf.max(tf.abs(network.variable('d', 'kernel'))).dataSync()[0]!;

    expect(largest).toBeLessThanOrEqual(0.25);
    expect(largest).toBeGreaterThan(0.24);
    network.dispose();
  });
});
