import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeWeights, restoreWeights } from '../kit/checkpoint.js';
import { createNetwork } from '../kit/network.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { geometryOf } from './geometry.js';
import { Hyperparameters } from './hyperparameters.js';
import { adversarialLoss, contextualLoss, discriminationLoss, latentLoss } from './losses.js';
import { planNetworks } from './networks.js';
import { runDiscriminator, runGenerator } from './passes.js';
import { toInputFrame, toNetworkPixels } from './pixels.js';
import {
  createModel,
  createParts,
  GREY,
  scoresOf,
  toyBatch,
  toyPixels,
  train,
  valuesOf,
} from './skip-ganomaly.fixtures.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const number = (x: tf.Tensor) => x.dataSync()[0]!;

describe('networks', () => {
  test.each([
    [32, 1],
    [32, 3],
    [64, 1],
    [64, 3],
  ])('on %ix%i pixels give a picture in [-1, 1], features and one logit an image', (side, channels) => {
    const input = { height: side, width: side, channels };
    const h = Hyperparameters.parse({ width: 2, latentSize: 100 });
    const context = { seed: 1, generator: createGenerator(1) };
    const [g, d] = planNetworks(h, input).map((plan) => createNetwork(plan, context));
    const wild = tf.mul(waves([3, side, side, channels]), 50);
    const picture = runGenerator(g!, wild, { ...h, pass: 'train', levels: geometryOf(input).levels });
    const { feature, logit } = runDiscriminator(d!, picture, 'train');

    expect(picture.shape).toEqual(wild.shape);
    expect(number(tf.max(tf.abs(picture)))).toBeLessThanOrEqual(1);
    expect(feature.shape).toEqual([3, 100]);
    expect(logit.shape).toEqual([3]);
  });

  test('the outermost skip alone carries the image, through its half of the last kernel', () => {
    const { networks, levels } = createParts({ width: 4 });
    const { generator } = networks;
    const [x, y] = [toyPixels(4), tf.reverse(toyPixels(4), 2)];
    const difference = () => {
      const [a, b] = [x, y].map((images) => runGenerator(generator, images, { pass: 'infer', levels, skipLevels: 0 }));
      return maxDifference(a!, b!);
    };
    const outer = generator.variable('up1', 'kernel');
    outer.assign(tf.mul(outer, 100)); // initial weights are tiny
    for (const { variable, name, parameter } of generator.trainable) {
      const isOuter = name.includes('/down1/') || name.includes('/up1/');
      if (parameter === 'kernel' && !isOuter) variable.assign(tf.zeros(variable.shape));
    }
    expect(difference()).toBeGreaterThan(1e-3);

    // Input channels of up1: four of the first encoder map, then four of the decoder.
    const mask = tf.tensor1d([0, 0, 0, 0, 1, 1, 1, 1]);
    outer.assign(tf.mul(outer, mask));
    expect(difference()).toBe(0);
  });

  test('a left-out skip leaves no way around the inner levels', () => {
    const { networks, levels } = createParts({ skipLevels: 1 });
    networks.generator.variable('down2', 'kernel').assign(tf.zeros([4, 4, 4, 8]));
    const run = (x: tf.Tensor) => runGenerator(networks.generator, x, { pass: 'infer', levels, skipLevels: 1 });

    expect(maxDifference(run(toyPixels(2)), run(tf.neg(toyPixels(2))))).toBe(0);
  });

  test('real and reconstructed images in one pass would share their statistics', () => {
    const { discriminator } = createParts().networks;
    const [real, fake] = [toyPixels(4), tf.mul(waves([4, 32, 32, 1]), 0.5)];
    const apart = [real, fake].map((x) => runDiscriminator(discriminator, x, 'train').logit);
    const together = runDiscriminator(discriminator, tf.concat([real, fake]), 'train').logit;

    expect(maxDifference(tf.concat(apart), together)).toBeGreaterThan(1e-6);
  });

  test('instance statistics are what batch statistics are for a batch of one', () => {
    const { networks, levels } = createParts();
    const x = toyPixels(3);
    const one = tf.slice4d(x, [1, 0, 0, 0], [1, -1, -1, -1]);
    const options = { levels, skipLevels: 0 };
    const alone = runGenerator(networks.generator, one, { ...options, pass: 'train' });
    const among = runGenerator(networks.generator, x, { ...options, pass: 'instance' });

    expect(maxDifference(tf.slice4d(among, [1, 0, 0, 0], [1, -1, -1, -1]), alone)).toBeLessThan(1e-5);
    expect(
      maxDifference(
        tf.slice(runDiscriminator(networks.discriminator, x, 'instance').feature, [1, 0], [1, -1]),
        runDiscriminator(networks.discriminator, one, 'train').feature,
      ),
    ).toBeLessThan(1e-5);
  });
});

describe('losses', () => {
  test('worked by hand', () => {
    expect(number(adversarialLoss(tf.tensor1d([0, 0])))).toBeCloseTo(Math.LN2, 6);
    expect(number(adversarialLoss(tf.tensor1d([2, -2])))).toBeCloseTo(
      (Math.log1p(Math.exp(-2)) + Math.log1p(Math.exp(2))) / 2,
      6,
    );
    // Means over every element: |0.5| in one of two images of 2x1 pixels, (1, 3) squared among 2x2 features.
    expect(number(contextualLoss(tf.zeros([2, 2, 1, 1]), tf.tensor4d([0.5, 0, 0, 0], [2, 2, 1, 1])))).toBeCloseTo(
      0.125,
      6,
    );
    expect(
      number(
        latentLoss(
          tf.zeros([2, 2]),
          tf.tensor2d([
            [1, 0],
            [0, 3],
          ]),
        ),
      ),
    ).toBeCloseTo(2.5, 6);
    // Summed, not halved: 2 ln 2 by chance, 20 when both are wrong by 10.
    expect(number(discriminationLoss(tf.zeros([4]), tf.zeros([4])))).toBeCloseTo(2 * Math.LN2, 6);
    expect(number(discriminationLoss(tf.fill([4], -10), tf.fill([4], 10)))).toBeCloseTo(20, 3);
    expect(number(discriminationLoss(tf.fill([4], 10), tf.fill([4], -10)))).toBeLessThan(1e-3);
  });

  test('L_G weighs its terms 1 : 50 : 1', () => {
    const { adversarial, contextual, latent, generator } = train(createModel(), 1);

    expect(generator).toBeCloseTo(adversarial! + 50 * contextual! + latent!, 4);
  });

  test('repeating the batch leaves every loss unchanged', () => {
    const x = toyBatch(6);
    const [once, twice] = [x, tf.concat([x, x]) as tf.Tensor4D].map((images) => train(createModel(), 1, images));

    for (const [name, value] of Object.entries(once!)) expect(twice![name], name).toBeCloseTo(value, 4);
  });

  test.each([
    ['none', 0],
    ['plus', 3],
    ['minus', -3],
  ] as const)('dLatent %s adds %i L_lat to the discriminator', (dLatent, weight) => {
    const { networks, steps } = createParts({ dLatent, wLat: 3 });
    const [x, rebuilt] = [toyPixels(), tf.mul(waves([8, 32, 32, 1]), 0.4) as tf.Tensor4D];
    const [real, fake] = [x, rebuilt].map((images) => runDiscriminator(networks.discriminator, images, 'train'));
    const expected =
      number(discriminationLoss(real!.logit, fake!.logit)) + weight * number(latentLoss(real!.feature, fake!.feature));

    expect(number(steps.discriminatorStep(x, rebuilt).total)).toBeCloseTo(expected, 5);
  });
});

describe('steps', () => {
  test('each moves its own network and no other', () => {
    const { networks, steps } = createParts();
    const x = toyPixels();
    const weights = () => [valuesOf(networks.generator), valuesOf(networks.discriminator)];
    const start = weights();
    const { rebuilt } = steps.generatorStep(x);
    const between = weights();
    steps.discriminatorStep(x, rebuilt);
    const end = weights();

    expect(between[0]).not.toEqual(start[0]);
    expect(between[1]).toEqual(start[1]);
    expect(end[0]).toEqual(between[0]);
    expect(end[1]).not.toEqual(between[1]);
  });

  test('the averages move once for G, and for D by the image, its reconstruction, and the reconstruction again', () => {
    const { networks, steps, levels } = createParts();
    const x = toyPixels();
    const inner = (images: tf.Tensor) => {
      const before = networks.discriminator.apply(images, 'train', 'conv2');
      return tf.moments(before, [0, 1, 2]).mean;
    };
    const g = tf.moments(
      networks.generator
        .layer('down2')
        .apply(
          networks.generator.layer('down2Relu').apply(networks.generator.layer('down1').apply(x, 'train'), 'train'),
          'train',
        ),
      [0, 1, 2],
    );
    const rebuiltBefore = runGenerator(networks.generator, x, { pass: 'train', levels, skipLevels: 0 });
    const [real, fake] = [inner(x), inner(rebuiltBefore)];
    const { rebuilt } = steps.generatorStep(x);
    steps.discriminatorStep(x, rebuilt);
    const blended = [real, fake, fake].reduce<tf.Tensor>(
      (old, batch) => tf.add(tf.mul(old, 0.9), tf.mul(batch, 0.1)),
      tf.zerosLike(real),
    );

    expect(maxDifference(rebuilt, rebuiltBefore)).toBeLessThan(1e-6);
    expect(maxDifference(networks.generator.variable('down2Norm', 'movingMean'), tf.mul(g.mean, 0.1))).toBeLessThan(
      1e-6,
    );
    expect(maxDifference(networks.discriminator.variable('conv2Norm', 'movingMean'), blended)).toBeLessThan(1e-6);
  });

  test('the adversarial terms alone pull D(x^) up and D(x) away from it', () => {
    const { networks, steps, levels } = createParts({ wCon: 0, wLat: 0 });
    const x = toyPixels();
    const meanLogit = (images: tf.Tensor) =>
      number(tf.mean(runDiscriminator(networks.discriminator, images, 'train').logit));
    const rebuild = () => runGenerator(networks.generator, x, { pass: 'train', levels, skipLevels: 0 });
    const before = meanLogit(rebuild());
    const { rebuilt } = steps.generatorStep(x);
    expect(meanLogit(rebuild())).toBeGreaterThan(before);

    const gap = () => meanLogit(x) - meanLogit(rebuilt);
    const gapBefore = gap();
    steps.discriminatorStep(x, rebuilt);
    expect(gap()).toBeGreaterThan(gapBefore);
  });

  test('noise changes the input of G, not its target, and none is drawn by default', () => {
    const contextual = (noiseSigma: number) => {
      const { networks, steps, levels, h } = createParts({ noiseSigma });
      const x = toyPixels();
      const clean = number(contextualLoss(x, runGenerator(networks.generator, x, { ...h, pass: 'train', levels })));
      return [number(steps.generatorStep(x).terms.contextual), clean] as const;
    };

    const [plain, expected] = contextual(0);
    expect(plain).toBeCloseTo(expected, 6);
    expect(contextual(0.5)[0]).not.toBeCloseTo(expected, 6);
    // A target with noise of 0.5 would lie at least 0.2 further away in the black frame.
    expect(Math.abs(contextual(0.5)[0] - expected)).toBeLessThan(0.05);
  });

  test('a discriminator whose loss has collapsed starts afresh with new weights', () => {
    const { networks, steps } = createParts();
    const start = valuesOf(networks.discriminator);
    const averages = valuesOf(networks.discriminator, 'nonTrainable');

    expect(steps.resetCollapsed(tf.scalar(1e-3))).toBe(false);
    expect(valuesOf(networks.discriminator)).toEqual(start);
    expect(steps.resetCollapsed(tf.scalar(1e-6))).toBe(true);
    const fresh = valuesOf(networks.discriminator);
    expect(fresh).not.toEqual(start);
    expect(valuesOf(networks.discriminator, 'nonTrainable')).toEqual(averages);
    const kernel = networks.discriminator.variable('conv3', 'kernel');
    expect(Math.sqrt(number(tf.moments(kernel).variance))).toBeCloseTo(0.02, 2);
    expect(steps.resetCollapsed(tf.scalar(1e-6))).toBe(true);
    expect(valuesOf(networks.discriminator)).not.toEqual(fresh);
  });
});

describe('scores', () => {
  test.each(['running', 'instance'] as const)(
    '%s: an image scores the same alone, in any batch and order',
    (bnEval) => {
      const model = createModel({ bnEval });
      train(model, 5);
      const x = tf.concat([toyBatch(3), toyBatch(3, 'anomalous')]) as tf.Tensor4D;
      const together = scoresOf(model, x);
      const reversed = scoresOf(model, tf.reverse(x, 0)).reverse();

      for (const [i, value] of together.entries()) {
        const alone = scoresOf(model, tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1]))[0]!;
        expect(Math.abs(alone - value)).toBeLessThan(1e-5);
        expect(Math.abs(reversed[i]! - value)).toBeLessThan(1e-5);
      }
      model.dispose();
    },
  );

  test('batch statistics at test time, the leak of the released evaluation, would tie an image to its batch', () => {
    const { networks, levels } = createParts();
    const anomalous = toNetworkPixels(toyBatch(4, 'anomalous'), 'pad');
    const one = tf.slice4d(anomalous, [0, 0, 0, 0], [1, -1, -1, -1]);
    const others = tf.slice4d(anomalous, [1, 0, 0, 0], [3, -1, -1, -1]);
    const rebuildIn = (batch: tf.Tensor) => {
      const all = tf.concat([one, batch]);
      const rebuilt = runGenerator(networks.generator, all, { pass: 'train', levels, skipLevels: 0 });
      return tf.slice4d(rebuilt, [0, 0, 0, 0], [1, -1, -1, -1]);
    };

    expect(maxDifference(rebuildIn(others), rebuildIn(toyPixels(3)))).toBeGreaterThan(1e-4);
  });

  test('lambda 1 is exactly R and lambda 0 exactly L; between, they are mixed', () => {
    const x = toyBatch(5, 'anomalous');
    const of = (scoreLambda: number, name?: string) => {
      const model = createModel({ scoreLambda });
      train(model, 2);
      const scores = scoresOf(model, x, name);
      model.dispose();
      return scores;
    };
    const [r, l] = [of(0.3, 'reconstruction'), of(0.3, 'latent')];

    expect(of(1)).toEqual(r);
    expect(of(0)).toEqual(l);
    for (const [i, value] of of(0.3).entries()) expect(value).toBeCloseTo(0.3 * r[i]! + 0.7 * l[i]!, 6);
    expect(of(0.5)).toEqual(of(0.3, 'even'));
  });

  test('standardised parts have mean 1 on the held-out images, before they are mixed', async () => {
    const model = createModel({ standardise: true, scoreLambda: 0.25 });
    train(model, 2);
    const held = toyBatch(6);
    const [r, l] = [scoresOf(model, held, 'reconstruction'), scoresOf(model, held, 'latent')];
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const raw = scoresOf(model, held);
    const reader = { count: 6, shape: GREY, read: async () => toyBatch(6) };
    await model.fit!({ train: reader, calibration: reader, signal: new AbortController().signal });

    for (const [i, value] of raw.entries()) expect(value).toBeCloseTo(0.25 * r[i]! + 0.75 * l[i]!, 6);
    for (const [i, value] of scoresOf(model, held).entries()) {
      expect(value).toBeCloseTo((0.25 * r[i]!) / mean(r) + (0.75 * l[i]!) / mean(l), 4);
    }
    expect(createModel().fit).toBeUndefined();
  });

  test('R is the mean squared difference of pixels in [-1, 1], or the mean absolute one', () => {
    const x = toyBatch(3);
    const [squared, absolute] = (['squared', 'l1'] as const).map((scoreNorm) => {
      const model = createModel({ scoreNorm }, 1, { height: 32, width: 32, channels: 1 });
      const images = tf.pad4d(x, [
        [0, 0],
        [2, 2],
        [2, 2],
        [0, 0],
      ]);
      const rebuilt = model.reconstruct!(images);
      const difference = tf.mul(tf.sub(images, rebuilt), 2);
      const wanted = scoreNorm === 'l1' ? tf.abs(difference) : tf.square(difference);
      return maxDifference(model.score(images, 'reconstruction'), tf.mean(wanted, [1, 2, 3]));
    });

    expect(squared).toBeLessThan(1e-6);
    expect(absolute).toBeLessThan(1e-6);
  });

  test('a saved and restored model scores the same, averages included', async () => {
    const [model, fresh] = [createModel(), createModel({}, 2)];
    const images = toyBatch(4);
    train(model, 4, images);
    expect(new Set(valuesOf(model.networks.generator!, 'nonTrainable')).size).toBeGreaterThan(2);
    restoreWeights(await encodeWeights(model), fresh);

    expect(maxDifference(model.score(images), fresh.score(images))).toBeLessThan(1e-6);
  });

  test('the map is the squared error inside the frame, smoothed on request', () => {
    const [plain, smooth] = [createModel(), createModel({ smoothMap: true })];
    const x = toyBatch(2, 'anomalous');
    const map = plain.anomalyMap!(x);
    const error = tf.squaredDifference(tf.mul(x, 2), tf.mul(plain.reconstruct!(x), 2));

    expect(map.shape).toEqual([2, 28, 28]);
    expect(maxDifference(map, tf.mean(error, 3))).toBeLessThan(1e-5);
    expect(number(tf.max(smooth.anomalyMap!(x)))).toBeLessThan(number(tf.max(map)));
  });

  test('refuses an unknown score', () => {
    expect(() => createModel().score(toyBatch(1), 'nonsense')).toThrow(/no score 'nonsense'/);
  });
});

describe('pixels', () => {
  test('28x28 lies in a black frame of two pixels, or is resized; both come back to its size', () => {
    const x = tf.ones<tf.Rank.R4>([1, 28, 28, 1]);
    const padded = toNetworkPixels(x, 'pad');

    expect(padded.shape).toEqual([1, 32, 32, 1]);
    expect(number(tf.sum(padded))).toBe(28 * 28 - (32 * 32 - 28 * 28));
    expect(number(tf.min(toNetworkPixels(x, 'bilinear')))).toBe(1);
    for (const resize of ['pad', 'bilinear'] as const) {
      const back = toInputFrame(toNetworkPixels(toyBatch(2), resize), GREY, resize);
      expect(back.shape).toEqual([2, 28, 28, 1]);
      expect(maxDifference(back, tf.sub(tf.mul(toyBatch(2), 2), 1))).toBeLessThan(resize === 'pad' ? 1e-6 : 0.7);
    }
  });
});
