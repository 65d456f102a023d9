import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gatherImages } from '../kit/batching.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { corrupt } from './corruption.js';
import { createModel, GREY_28, lossesOf, scoresOf, zeroWeights } from './dae.fixtures.js';
import { Hyperparameters } from './hyperparameters.js';
import { crossEntropyTerm, sparsityTerm, weightTerm } from './losses.js';
import { errorMap, reduceMap, smoothMap } from './scores.js';

function toyBatch(count: number, kind: 'normal' | 'anomalous' = 'normal'): tf.Tensor4D {
  return gatherImages(createToyImages({ shape: GREY_28, count, seed: 5, kind }));
}

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('loss', () => {
  test('with zero weights the data term of a black image is D/8 and the penalty 0', () => {
    const model = createModel({ weightDecay: 0.1 });
    zeroWeights(model);

    expect(lossesOf(model, tf.zeros([4, 28, 28, 1]))).toEqual({ reconstruction: 98, weightPenalty: 0, total: 98 });
    model.dispose();
  });

  test('one weight of 2 with lambda 0.1 costs 0.2', () => {
    const model = createModel({ weightDecay: 0.1 });
    zeroWeights(model);
    const kernel = model.networks.encoder!.variable('code', 'kernel');
    const values = new Float32Array(kernel.size);
    values[5] = 2;
    kernel.assign(tf.tensor(values, kernel.shape));

    expect(lossesOf(model, tf.zeros([4, 28, 28, 1])).weightPenalty).toBeCloseTo(0.2, 6);
    model.dispose();
  });

  test.each(['dense-shallow', 'dense-deep', 'conv'] as const)('%s: doubling the batch leaves J unchanged', (arch) => {
    const x = toyBatch(6);
    const [once, twice] = [createModel({ arch }), createModel({ arch })].map((model, i) => {
      const losses = lossesOf(model, i === 0 ? x : tf.concat([x, x]));
      model.dispose();
      return losses;
    });

    expect(twice!.total).toBeCloseTo(once!.total!, 3);
  });

  test('doubling the pixels doubles the data term', () => {
    const [single, double] = [GREY_28, { ...GREY_28, width: 56 }].map((input) => {
      const model = createModel({}, input);
      zeroWeights(model);
      const losses = lossesOf(model, tf.zeros([2, input.height, input.width, 1]));
      model.dispose();
      return losses;
    });

    expect(double!.reconstruction).toBeCloseTo(2 * single!.reconstruction!, 3);
  });

  test('the penalty pulls every kernel towards zero and no bias', () => {
    for (const arch of ['dense-shallow', 'dense-deep', 'conv'] as const) {
      const model = createModel({ arch });
      const networks = Object.values(model.networks);
      const all = networks.flatMap((network) => network.trainable);
      const { grads } = tf.variableGrads(
        () => weightTerm(networks, 0.3),
        all.map((v) => v.variable),
      );

      for (const { name, parameter, variable } of all) {
        const gradient = grads[variable.name];
        if (parameter === 'bias') expect(gradient, name).toBeUndefined();
        else expect(maxDifference(gradient!, tf.mul(variable, 0.3)), name).toBeLessThan(1e-6);
      }
      model.dispose();
    }
  });

  test('a tied kernel is penalised once', () => {
    const model = createModel({ tied: true, weightDecay: 0.1 });
    const kernel = model.networks.encoder!.variable('code', 'kernel');
    const expected = 0.05 * tf.sum(tf.square(kernel)).dataSync()[0]!;

    expect(lossesOf(model, toyBatch(2)).weightPenalty).toBeCloseTo(expected, 5);
    model.dispose();
  });

  test('cross-entropy of even odds is D ln 2 an image, and reports on the scale of the squared error', () => {
    const model = createModel({ loss: 'bce', weightDecay: 0 });
    zeroWeights(model);

    expect(lossesOf(model, toyBatch(3)).reconstruction).toBeCloseTo(784 * Math.LN2, 2);
    expect(crossEntropyTerm(tf.ones([2, 1, 2, 1]), tf.fill([2, 2], -3)).dataSync()[0]).toBeCloseTo(
      2 * Math.log1p(Math.exp(3)),
      4,
    );
    model.dispose();
  });

  test('the sparsity term is zero at the wanted activation and part of the total', () => {
    expect(sparsityTerm(tf.fill([4, 3], 0.05), 0.05, 2).dataSync()[0]).toBeCloseTo(0, 5);
    const model = createModel({ sparsityWeight: 2, weightDecay: 0 });
    zeroWeights(model);
    const losses = lossesOf(model, tf.zeros([4, 28, 28, 1]));
    const divergence = 0.05 * Math.log(0.05 / 0.5) + 0.95 * Math.log(0.95 / 0.5);

    expect(losses.sparsity).toBeCloseTo(2 * 32 * divergence, 3);
    expect(losses.total).toBeCloseTo(losses.sparsity! + 98, 3);
    model.dispose();
  });
});

describe('corruption', () => {
  const images = () => tf.fill<tf.Rank.R4>([40, 28, 28, 3], 0.5);
  const settings = (changes: Partial<Hyperparameters>) => Hyperparameters.parse(changes);
  const share = (condition: tf.Tensor) => tf.mean(tf.cast(condition, 'float32')).dataSync()[0]!;

  test('mask sets a quarter of the pixels to zero, in all channels together', () => {
    const x = corrupt(images(), settings({ noise: 'mask' }), createGenerator(1));
    const masked = tf.equal(x, 0);

    expect(Math.abs(share(masked) - 0.25)).toBeLessThan(0.01);
    expect(share(tf.all(masked, 3))).toBeCloseTo(share(masked), 6);
    expect(share(tf.logicalOr(masked, tf.equal(x, 0.5)))).toBe(1);
  });

  test('gauss adds unclipped noise of the given deviation', () => {
    const x = corrupt(images(), settings({ noise: 'gauss', noiseSigma: 0.4 }), createGenerator(1));
    const { mean, variance } = tf.moments(x);

    expect(mean.dataSync()[0]).toBeCloseTo(0.5, 2);
    expect(Math.sqrt(variance.dataSync()[0]!)).toBeCloseTo(0.4, 2);
    expect(tf.max(x).dataSync()[0]).toBeGreaterThan(1);
    expect(tf.min(x).dataSync()[0]).toBeLessThan(0);
  });

  test('saltpepper sets a tenth of the pixels to 0 or 1, half each', () => {
    const x = corrupt(images(), settings({ noise: 'saltpepper' }), createGenerator(1));

    expect(Math.abs(share(tf.equal(x, 0)) - 0.05)).toBeLessThan(0.01);
    expect(Math.abs(share(tf.equal(x, 1)) - 0.05)).toBeLessThan(0.01);
    expect(share(tf.equal(x, 0.5))).toBeGreaterThan(0.88);
  });

  test('draws differ between batches, the images stay as they are, and none changes nothing', () => {
    const generator = createGenerator(1);
    const x = images();
    for (const noise of ['mask', 'gauss', 'saltpepper'] as const) {
      const [first, second] = [corrupt(x, settings({ noise }), generator), corrupt(x, settings({ noise }), generator)];
      expect(maxDifference(first, second)).toBeGreaterThan(0.1);
    }

    expect(maxDifference(x, images())).toBe(0);
    expect(maxDifference(corrupt(x, settings({ noise: 'none' }), generator), x)).toBe(0);
  });

  test('scoring does not corrupt', () => {
    const model = createModel({ noise: 'gauss', noiseSigma: 0.5 });
    const x = toyBatch(5);

    expect(scoresOf(model, x)).toEqual(scoresOf(model, x));
    model.dispose();
  });
});

describe('scores', () => {
  test('the mean is the mean squared error, the others look at the largest errors of the map', () => {
    const x = tf.zeros<tf.Rank.R4>([2, 20, 10, 2]);
    const y = tf.buffer<tf.Rank.R4>([2, 20, 10, 2]);
    y.set(1, 0, 3, 4, 0); // squared error 1 in one of two channels: map value 0.5
    y.set(2, 1, 0, 0, 0);
    y.set(2, 1, 0, 0, 1); // map value 4
    const map = errorMap(x, y.toTensor());
    const values = (name: 'mean' | 'max' | 'top1%') => Array.from(reduceMap(map, name).dataSync());

    expect(map.shape).toEqual([2, 20, 10]);
    expect(values('mean')[0]).toBeCloseTo(0.5 / 200, 7);
    expect(values('mean')[1]).toBeCloseTo(4 / 200, 6);
    expect(values('max')).toEqual([0.5, 4]);
    expect(values('top1%')).toEqual([0.25, 2]); // 1 % of 200 pixels are two
  });

  test('smoothing keeps a constant map and lowers a peak', () => {
    const constant = tf.fill<tf.Rank.R3>([1, 64, 64], 0.7);
    const peak = tf.buffer<tf.Rank.R3>([1, 64, 64]);
    peak.set(1, 0, 30, 30);

    expect(maxDifference(smoothMap(constant), constant)).toBeLessThan(1e-6);
    expect(tf.max(smoothMap(peak.toTensor())).dataSync()[0]).toBeLessThan(0.2);
  });

  test('the hyperparameter chooses the reduction, and a name overrides it', () => {
    const model = createModel({ scoreReduction: 'max' });
    const x = toyBatch(3);

    expect(scoresOf(model, x)).toEqual(scoresOf(model, x, 'max'));
    expect(scoresOf(model, x)).not.toEqual(scoresOf(model, x, 'mean'));
    model.dispose();
  });

  test.each(['dense-shallow', 'dense-deep', 'conv'] as const)(
    '%s scores one image the same alone and among 256',
    (arch) => {
      const model = createModel({ arch });
      const x = toyBatch(256);
      const together = scoresOf(model, x);

      for (const i of [0, 100, 255]) {
        const alone = scoresOf(model, tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1]))[0]!;
        expect(Math.abs(alone - together[i]!)).toBeLessThan(1e-6);
      }
      model.dispose();
    },
  );
});

describe('learning', () => {
  test.each<[string, Partial<Hyperparameters>]>([
    ['dense-shallow', { arch: 'dense-shallow', learningRate: 3e-2 }],
    ['dense-deep', { arch: 'dense-deep', latentSize: 16, learningRate: 3e-3 }],
    ['dense-deep, tied', { arch: 'dense-deep', latentSize: 16, tied: true, learningRate: 3e-3 }],
    ['conv', { arch: 'conv', stageChannels: [8, 16], latentSize: 16, learningRate: 3e-3 }],
  ])('%s overfits 16 images: error below a tenth after 500 steps, noise scores higher', (_name, changes) => {
    const model = createModel({ ...changes, weightDecay: 0 });
    const x = toyBatch(16);
    const first = lossesOf(model, x).reconstruction!;
    for (let i = 1; i < 500; i++) lossesOf(model, x);

    expect(lossesOf(model, x).reconstruction).toBeLessThan(0.1 * first);
    const mean = (scores: number[]) => scores.reduce((a, b) => a + b) / scores.length;
    const noise = tf.randomUniform([16, 28, 28, 1], 0, 1, 'float32', 4);
    expect(mean(scoresOf(model, x))).toBeLessThan(mean(scoresOf(model, noise)));
    model.dispose();
  });

  test('a linear autoencoder reaches the reconstruction error of PCA', () => {
    // Centred images on orthogonal axes with orthogonal coefficients: PCA with 2 components leaves out exactly the
    // energy of the other axes.
    const [count, size] = [32, 16];
    const cosine = (n: number, frequency: number) => (i: number) =>
      Math.sqrt(2 / n) * Math.cos((Math.PI * frequency * (i + 0.5)) / n);
    const energies = [9, 4, 1, 0.25];
    const values = new Float32Array(count * size);
    for (const [k, energy] of energies.entries()) {
      const [coefficient, axis] = [cosine(count, k + 1), cosine(size, k + 1)];
      for (let n = 0; n < count; n++) {
        for (let d = 0; d < size; d++) values[n * size + d]! += Math.sqrt(energy) * coefficient(n) * axis(d);
      }
    }
    const x = tf.tensor4d(values, [count, 4, 4, 1]);
    const model = createModel(
      {
        arch: 'dense-shallow',
        latentSize: 2,
        codeActivation: 'linear',
        outputActivation: 'linear',
        weightDecay: 0,
        learningRate: 1e-2,
      },
      { height: 4, width: 4, channels: 1 },
    );
    for (let i = 0; i < 3000; i++) lossesOf(model, x);
    const error = scoresOf(model, x).reduce((a, b) => a + b) * size;

    expect(error).toBeLessThan(1.02 * (1 + 0.25));
    expect(error).toBeGreaterThan(0.98 * (1 + 0.25));
    model.dispose();
  });

  test('a denoising model learns the clean image, not its corrupted copy', () => {
    const model = createModel({
      arch: 'dense-deep',
      latentSize: 16,
      noise: 'mask',
      learningRate: 3e-3,
      weightDecay: 0,
    });
    const x = toyBatch(16);
    for (let i = 0; i < 400; i++) lossesOf(model, x);
    const restored = model.reconstruct!(corrupt(x, Hyperparameters.parse({ noise: 'mask' }), createGenerator(3)));
    const damage = tf.mean(
      tf.squaredDifference(corrupt(x, Hyperparameters.parse({ noise: 'mask' }), createGenerator(3)), x),
    );

    expect(tf.mean(tf.squaredDifference(restored, x)).dataSync()[0]).toBeLessThan(0.5 * damage.dataSync()[0]!);
    model.dispose();
  });
});

test('reconstructions stay in [0, 1] for inputs far outside', () => {
  const model = createModel({ outputActivation: 'linear' });
  const picture = model.reconstruct!(tf.mul(waves([2, 28, 28, 1]), 50) as tf.Tensor4D);

  expect(tf.min(picture).dataSync()[0]).toBeGreaterThanOrEqual(0);
  expect(tf.max(picture).dataSync()[0]).toBeLessThanOrEqual(1);
  model.dispose();
});
