import { auroc } from '@adctl/evaluation';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { toSigned } from '../kit/images.js';
import { meanBceOnLogits, meanSquaredError } from '../kit/losses.js';
import { minimize } from '../kit/minimize.js';
import { maxDifference, useNativeEngine } from '../testing/engine.fixtures.js';
import { createModel, createParts, scoresOf, toyBatch, toyTarget, train, valuesOf } from './alocc.fixtures.js';
import { adversarialLoss, discriminationLoss, reconstructionLoss } from './losses.js';
import { addNoise } from './steps.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const number = (x: tf.Tensor) => x.dataSync()[0]!;

describe('losses', () => {
  test('a right discriminator loses nothing, a wrong one about 20: two terms, added', () => {
    const [high, low] = [tf.fill([8, 1], 10), tf.fill([8, 1], -10)];

    expect(number(discriminationLoss(high, low))).toBeLessThan(1e-3);
    expect(number(discriminationLoss(low, high))).toBeCloseTo(20, 3);
    expect(number(discriminationLoss(tf.zeros([8, 1]), tf.zeros([8, 1])))).toBeCloseTo(2 * Math.LN2, 6);
    expect(number(adversarialLoss(tf.zeros([8, 1])))).toBeCloseTo(Math.LN2, 6);
  });

  test('l2sum is summed over an image, mse averaged over every element', () => {
    const [clean, rebuilt] = [tf.zeros([3, 28, 28, 1]), tf.fill([3, 28, 28, 1], 0.1)];
    const target = { clean, noisy: tf.ones([3, 28, 28, 1]) };

    expect(number(reconstructionLoss(rebuilt, target, 'l2sum'))).toBeCloseTo(7.84, 4);
    expect(number(reconstructionLoss(rebuilt, target, 'mse'))).toBeCloseTo(0.01, 6);
  });

  test('bceTanh takes the tanh output as a logit and the noisy input as its label', () => {
    const at = (output: number, label: number) => {
      const target = { clean: tf.fill([2, 4], 0.77), noisy: tf.fill([2, 4], label) };
      return number(reconstructionLoss(tf.fill([2, 4], output), target, 'bceTanh'));
    };

    expect(at(-1, 0)).toBeCloseTo(0.313262, 5);
    expect(at(1, 0)).toBeCloseTo(1.313262, 5);
    expect(at(0.5, 1)).toBeCloseTo(Math.log1p(Math.exp(-0.5)), 5);
  });

  test('with lambda 0 the gradient of L_R is that of the adversarial term', () => {
    const { networks, steps } = createParts({ lambdaRec: 0 });
    const plain = createParts({ lambdaRec: 0 });
    const target = toyTarget();

    steps.reconstructorStep(target);
    minimize(plain.optimizers.reconstructor, () => {
      const rebuilt = plain.networks.reconstructor.apply(target.noisy, 'train+update');
      return { total: meanBceOnLogits(plain.networks.discriminator.apply(rebuilt, 'train'), 1) };
    });

    expect(valuesOf(networks.reconstructor)).toEqual(valuesOf(plain.networks.reconstructor));
  });

  test('without the adversarial term R is a denoising auto-encoder of the clean image', () => {
    const { networks, steps } = createParts({ wAdv: 0, lambdaRec: 0.4 });
    const plain = createParts();
    const target = toyTarget();

    steps.reconstructorStep(target);
    minimize(plain.optimizers.reconstructor, () => {
      const rebuilt = plain.networks.reconstructor.apply(target.noisy, 'train+update');
      return { total: tf.mul(meanSquaredError(target.clean, rebuilt), 0.4) as tf.Scalar };
    });

    expect(valuesOf(networks.reconstructor)).toEqual(valuesOf(plain.networks.reconstructor));
  });
});

describe('noise', () => {
  test('stays in [-1, 1], has the given deviation where nothing is clipped, and is new at every call', () => {
    const generator = createGenerator(1);
    const grey = tf.zeros([20, 28, 28, 1]);
    const [first, second] = [addNoise(grey, 0.31, generator), addNoise(grey, 0.31, generator)];

    expect(Math.sqrt(number(tf.moments(first).variance))).toBeCloseTo(0.31, 2);
    expect(maxDifference(first, second)).toBeGreaterThan(0.1);
    const clipped = addNoise(tf.concat([tf.ones([4, 4]), tf.fill([4, 4], -1)]), 0.5, generator);
    expect(number(tf.max(clipped))).toBe(1);
    expect(number(tf.min(clipped))).toBe(-1);
  });

  test('D takes the clean images for real, bit for bit', () => {
    const { networks, steps } = createParts();
    const { clean, noisy } = toyTarget();
    const rebuilt = networks.reconstructor.apply(noisy, 'train');
    const logits = [clean, rebuilt].map((x) => networks.discriminator.apply(x, 'train'));
    const expected = number(discriminationLoss(logits[0]!, logits[1]!));

    expect(number(steps.discriminatorStep({ clean, noisy }).total)).toBeCloseTo(expected, 6);
    expect(maxDifference(clean, noisy)).toBeGreaterThan(0.1);
  });
});

describe('steps', () => {
  test('each moves its own network, weights and averages, and no other', () => {
    const { networks, steps } = createParts();
    const target = toyTarget();
    const state = () =>
      Object.values(networks).map((network) => [...valuesOf(network), ...valuesOf(network, 'nonTrainable')]);
    const start = state();
    steps.discriminatorStep(target);
    const between = state();
    steps.reconstructorStep(target);
    const end = state();

    expect(between[0]).toEqual(start[0]);
    expect(between[1]).not.toEqual(start[1]);
    expect(end[0]).not.toEqual(between[0]);
    expect(end[1]).toEqual(between[1]);
  });

  test('the averages of D move by images and reconstructions apart, those of R once a step', () => {
    const { networks, steps } = createParts();
    const { clean, noisy } = toyTarget();
    const meansOf = (network: (typeof networks)['discriminator'], x: tf.Tensor, until: string) =>
      tf.moments(network.apply(x, 'train', until), [0, 1, 2]).mean;
    const rebuilt = networks.reconstructor.apply(noisy, 'train');
    const [real, fake] = [clean, rebuilt].map((x) => meansOf(networks.discriminator, x, 'conv2'));
    const own = meansOf(networks.reconstructor, noisy, 'down1');
    steps.discriminatorStep({ clean, noisy });
    steps.reconstructorStep({ clean, noisy });
    const blended = tf.add(tf.mul(real!, 0.09), tf.mul(fake!, 0.1));

    expect(maxDifference(networks.discriminator.variable('conv2Norm', 'movingMean'), blended)).toBeLessThan(1e-6);
    expect(maxDifference(networks.reconstructor.variable('down1Norm', 'movingMean'), tf.mul(own, 0.1))).toBeLessThan(
      1e-6,
    );
  });

  test.each([1, 2, 3])('%i updates of R for one of D', (reconstructorSteps) => {
    const model = createModel({ reconstructorSteps });
    train(model, 2);

    expect(model.optimizers.reconstructor!.stepCount).toBe(2 * reconstructorSteps);
    expect(model.optimizers.discriminator!.stepCount).toBe(2);
  });

  test('D moves at a part of the step size of R, with either optimizer', () => {
    for (const optimizer of ['adam', 'rmsprop'] as const) {
      const { optimizers } = createModel({ optimizer, learningRate: 1e-3, discLrRatio: 0.2 });

      expect(optimizers.reconstructor).toMatchObject({ kind: optimizer, learningRate: 1e-3 });
      expect(optimizers.discriminator!.learningRate).toBeCloseTo(2e-4, 10);
    }
  });

  test('reports L_R as its weighted terms', () => {
    const { adversarial, reconstruction, reconstructor } = train(createModel({ lambdaRec: 10 }), 1);

    expect(reconstructor).toBeCloseTo(adversarial! + 10 * reconstruction!, 5);
  });

  test('the same seed trains the same, and iterations leave no tensors', () => {
    const run = (seed: number) => {
      const model = createModel({}, seed);
      train(model, 2);
      const before = tf.memory().numTensors;
      const losses = train(model, 3);
      // The batch of `toyBatch` is the caller's.
      expect(tf.memory().numTensors).toBe(before + 1);
      return losses;
    };

    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });
});

describe('scores', () => {
  test('are finite logits, the same alone, in any batch and order', () => {
    const model = createModel();
    train(model, 4);
    const x = tf.concat([toyBatch(3), toyBatch(3, 'anomalous')]) as tf.Tensor4D;

    for (const name of ['drx', 'dx', 'rec']) {
      const together = scoresOf(model, x, name);
      const reversed = scoresOf(model, tf.reverse(x, 0), name).reverse();
      for (const [i, value] of together.entries()) {
        const alone = scoresOf(model, tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1]), name)[0]!;
        expect(Number.isFinite(value)).toBe(true);
        expect(Math.abs(alone - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
        expect(Math.abs(reversed[i]! - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
      }
    }
  });

  test('batch statistics, the authors’ way, tie an image to its batch', () => {
    const model = createModel({ bnAtTest: 'batch' });
    train(model, 4);
    const one = toyBatch(1);
    const with3 = (others: tf.Tensor4D) => scoresOf(model, tf.concat([one, others]) as tf.Tensor4D)[0]!;

    expect(with3(toyBatch(3, 'anomalous'))).not.toBeCloseTo(with3(toyBatch(3)), 4);
  });

  test('are minus the logits of D(R(x)) and D(x), and the error of R(x) without noise', () => {
    const model = createModel();
    const { reconstructor, discriminator } = model.networks;
    const x = toSigned(toyBatch(3, 'anomalous'));
    const rebuilt = reconstructor!.apply(x, 'infer');
    const logitsOf = (pixels: tf.Tensor) => tf.reshape(discriminator!.apply(pixels, 'infer'), [-1]);
    const images = toyBatch(3, 'anomalous');

    expect(maxDifference(model.score(images), tf.neg(logitsOf(rebuilt)))).toBeLessThan(1e-6);
    expect(maxDifference(model.score(images, 'dx'), tf.neg(logitsOf(x)))).toBeLessThan(1e-6);
    expect(
      maxDifference(model.score(images, 'rec'), tf.mean(tf.squaredDifference(x, rebuilt), [1, 2, 3])),
    ).toBeLessThan(1e-6);
    expect(maxDifference(createModel({ score: 'dx' }).score(images), model.score(images, 'dx'))).toBe(0);
  });

  test('logits rank as probabilities do, and keep apart what saturates to ties', () => {
    const labels = [0, 1, 0, 1, 1, 0];
    const ranked = (logits: number[]) => {
      const scores = Array.from(tf.neg(tf.tensor1d(logits)).dataSync());
      const probabilities = Array.from(tf.sub(1, tf.sigmoid(tf.tensor1d(logits))).dataSync());
      return { scores, probabilities };
    };
    const moderate = ranked([2, -1, 1, 0.5, -2, 0]);
    const large = ranked([21, 25, 30, 35, 40, 45]);

    expect(auroc(moderate.scores, labels)).toBe(auroc(moderate.probabilities, labels));
    expect(new Set(large.scores).size).toBe(6);
    expect(new Set(large.probabilities).size).toBeLessThan(6);
  });

  test('the selection loss is the denoising error under noise that repeats', () => {
    const [model, still] = [createModel(), createModel({ noiseSigma: 0 })];
    const x = toyBatch(4);

    expect(maxDifference(still.selectionLoss(x, 0), still.score(x, 'rec'))).toBe(0);
    expect(maxDifference(model.selectionLoss(x, 0), model.selectionLoss(x, 0))).toBe(0);
    expect(maxDifference(model.selectionLoss(x, 0), model.selectionLoss(x, 8))).toBeGreaterThan(0);
  });

  test('refuses an unknown score', () => {
    expect(() => createModel().score(toyBatch(1), 'nonsense')).toThrow(/no score 'nonsense'/);
  });
});
