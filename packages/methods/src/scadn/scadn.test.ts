import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { toReader } from '../contracts/trial.js';
import { gatherImages } from '../kit/batching.js';
import { discriminationLoss, meanBceOnLogits } from '../kit/losses.js';
import { createNetwork } from '../kit/network.js';
import type { NetworkPlan } from '../kit/network-plan.js';
import type { Model } from '../method.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { fuseMaps, fuseMeans, fusionWeights } from './fusion.js';
import type { Hyperparameters } from './hyperparameters.js';
import { hiddenError, reconstructionLoss, whiten } from './losses.js';
import { chooseMasks, drawMasks, stripeMasks } from './masks.js';
import { type Fill, fillAverage, passLimit, scaleMaps } from './restoration.js';
import { createModel, GREY_32 } from './scadn.fixtures.js';
import { createSpectralNetwork } from './spectral-norm.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const STRIPES = [4, 8, 16];
const masksOf = (side: number, stripes: readonly number[] = STRIPES) =>
  stripeMasks({ height: side, width: side, channels: 1 }, stripes);
const pictures = (count: number, phase = 0) => tf.sigmoid(waves([count, 32, 32, 1], phase)) as tf.Tensor4D;
const toys = (count: number, kind: 'normal' | 'anomalous' = 'normal') =>
  createToyImages({ shape: GREY_32, count, seed: 5, kind });
const number = (x: tf.Tensor) => x.dataSync()[0]!;
const position = { epoch: 1, step: 0, positions: Int32Array.of(0, 1, 2, 3) };

async function fitToToys(model: Model): Promise<void> {
  const images = toReader(toys(8));
  await model.fit?.({ train: images, calibration: images, signal: new AbortController().signal });
}

describe('masks', () => {
  test.each([32, 64, 512])('of side %d hide half of the image, every pixel twice a scale', (side) => {
    const scales = tf.split(masksOf(side), STRIPES.length);
    for (const scale of scales) {
      const [a, b, c, d] = tf.split(scale, 4) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const ones = tf.ones([1, side, side, 1]);

      expect(maxDifference(tf.add(a, b), ones)).toBe(0);
      expect(maxDifference(tf.add(c, d), ones)).toBe(0);
      for (const mask of [a, b, c, d]) expect(number(tf.mean(mask))).toBe(0.5);
      expect(maxDifference(tf.transpose(a, [0, 2, 1, 3]), c)).toBe(0);
    }
  });

  test('stripes of 32 pixels at 512 make 16 runs a row, the first one hidden', () => {
    const [first, , third] = tf.split(tf.slice(masksOf(512), 8, 4), 4) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const row = Array.from(tf.slice(first, [0, 100, 0, 0], [1, 1, 512, 1]).dataSync());
    const runs = row.filter((value, x) => x === 0 || value !== row[x - 1]).length;

    expect(runs).toBe(16);
    expect(row.slice(0, 33)).toEqual([...new Array(32).fill(1), 0]);
    expect(Array.from(tf.slice(third, [0, 0, 7, 0], [1, 33, 1, 1]).dataSync())).toEqual(row.slice(0, 33));
  });

  test('hidden pixels are white, the others as they were', () => {
    const x = pictures(1);
    const m = tf.slice(masksOf(32), 3, 1) as tf.Tensor4D;
    const shown = whiten(x, m);

    expect(maxDifference(tf.mul(shown, m), m)).toBe(0);
    expect(maxDifference(tf.mul(shown, tf.sub(1, m)), tf.mul(x, tf.sub(1, m)))).toBe(0);
  });

  test('training draws all of them, each alike often', () => {
    const masks = masksOf(32);
    const drawn = drawMasks(masks, 1200, createGenerator(1));
    const shares = Array.from({ length: 12 }, (_, i) => {
      const same = tf.all(tf.equal(drawn, chooseMasks(masks, Int32Array.of(i))), [1, 2, 3]);
      return number(tf.sum(tf.cast(same, 'int32')));
    });

    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(1200);
    for (const share of shares) expect(Math.abs(share - 100)).toBeLessThan(40);
  });
});

describe('losses', () => {
  const hidden = () => tf.slice(masksOf(32), 0, 1) as tf.Tensor4D;

  test('L_rec is 0 for a perfect picture and 0.05 for one off by 0.1', () => {
    const x = pictures(3);

    expect(number(reconstructionLoss(x, x, hidden(), 4))).toBe(0);
    expect(number(reconstructionLoss(x, tf.add(x, 0.1), hidden(), 4))).toBeCloseTo(0.05, 6);
    expect(number(reconstructionLoss(x, tf.add(x, tf.mul(hidden(), 0.1)), hidden(), 4))).toBeCloseTo(0.04, 6);
  });

  test('L_D and L_adv of a discriminator that always says one half are ln 2', () => {
    const undecided = tf.zeros([4, 2, 2, 1]);

    expect(number(discriminationLoss(undecided, undecided))).toBeCloseTo(Math.LN2, 6);
    expect(number(meanBceOnLogits(undecided, 1))).toBeCloseTo(Math.LN2, 6);
  });

  test('the criterion is the mean absolute error on hidden pixels, image by image', () => {
    const x = pictures(2);
    const off = tf.add(x, tf.tensor4d([0.1, -0.4], [2, 1, 1, 1])) as tf.Tensor4D;

    expect(Array.from(hiddenError(x, off, hidden()).dataSync())).toEqual([
      expect.closeTo(0.05, 5),
      expect.closeTo(0.2, 5),
    ]);
  });
});

/** The discriminator of a model of seed 1 as it was before the first step. */
function createTwin(plan: NetworkPlan) {
  const network = createNetwork(plan, { seed: 1, generator: createGenerator(1) });
  return { network, spectral: createSpectralNetwork(network, 1) };
}

describe('training', () => {
  const weightsOf = (model: Model, network: string) =>
    model.networks[network]!.trainable.map(({ variable }) => Array.from(variable.dataSync()));

  test('reports the terms, and their sum with its weight', () => {
    const model = createModel({ adversarialWeight: 0.5 });
    const terms = model.trainStep(gatherImages(toys(4)), position);
    const { reconstruction, deception, total } = terms;

    expect(Object.keys(terms).sort()).toEqual(['deception', 'discriminator', 'reconstruction', 'total']);
    expect(number(total!)).toBeCloseTo(number(reconstruction!) + 0.5 * number(deception!), 5);
    model.dispose();
  });

  test('the first step of the generator takes no notice of how the discriminator moves in it', () => {
    const run = (discriminatorRatio: number) => {
      const model = createModel({ discriminatorRatio });
      tf.dispose(model.trainStep(gatherImages(toys(4)), position));
      const weights = [weightsOf(model, 'generator'), weightsOf(model, 'discriminator')];
      model.dispose();
      return weights;
    };
    const [slow, fast] = [run(1e-6), run(10)];

    expect(fast[0]).toEqual(slow[0]);
    expect(fast[1]).not.toEqual(slow[1]);
  });

  test('a generator step leaves the discriminator unchanged, and the reverse', () => {
    const moved = (learningRate: number, discriminatorRatio: number) => {
      const model = createModel({ learningRate, discriminatorRatio });
      const flat = () => ['generator', 'discriminator'].map((name) => weightsOf(model, name).flat());
      const before = flat();
      tf.dispose(model.trainStep(gatherImages(toys(4)), position));
      const farthest = flat().map((weights, i) => Math.max(...weights.map((w, j) => Math.abs(w - before[i]![j]!))));
      model.dispose();
      return farthest;
    };
    const [generator, discriminator] = [moved(1e-3, 1e-12), moved(1e-15, 1e12)];

    expect(generator[0]).toBeCloseTo(1e-3, 4);
    expect(generator[1]).toBeLessThan(1e-14);
    expect(discriminator[0]).toBeLessThan(1e-14);
    expect(discriminator[1]).toBeCloseTo(1e-3, 4);
  });

  test('the discriminator makes three power iterations a step', () => {
    const model = createModel();
    const u = (buffers: Model['buffers']) => Array.from(buffers!['c4-u']!.read().data);
    const plan = model.networks.discriminator!.plan;
    const { spectral, network } = createTwin(plan);
    expect(u(spectral.buffers)).toEqual(u(model.buffers));
    tf.dispose(model.trainStep(gatherImages(toys(4)), position));
    const iterated = [1, 2, 3].map(() => {
      spectral.iterate();
      return u(spectral.buffers);
    });

    expect(u(model.buffers)).toEqual(iterated[2]);
    expect(iterated[1]).not.toEqual(iterated[2]);
    model.dispose();
    spectral.dispose();
    network.dispose();
  });
});

describe('maps', () => {
  /** Errs by 1 under the vertical stripes, by 2 under the horizontal ones (found by what the top row shows). */
  const lopsided: Fill = (x, hidden) => {
    const firstRow = tf.slice(hidden, [0, 0, 0, 0], [-1, 1, -1, -1]);
    const isVertical = tf.cast(tf.equal(tf.mean(firstRow, [1, 2, 3], true), 0.5), 'float32');
    return tf.add(x, tf.sub(2, isVertical)) as tf.Tensor4D;
  };

  test('are zero for a perfect generator, and the larger of both directions otherwise', () => {
    const masks = masksOf(32);
    const perfect = scaleMaps((x) => x.clone(), pictures(3), masks);

    expect(perfect.shape).toEqual([3, 3, 32, 32]);
    expect(number(tf.max(perfect))).toBe(0);
    expect(maxDifference(scaleMaps(lopsided, pictures(2), masks), tf.fill([2, 3, 32, 32], 4))).toBeLessThan(1e-4);
  });

  test('do not change when complementary masks change places, and are never below any of their errors', () => {
    const masks = masksOf(32);
    const swapped = tf.gather(masks, tf.tensor1d([1, 0, 2, 3, 5, 4, 6, 7, 9, 8, 10, 11], 'int32')) as tf.Tensor4D;
    const blurry: Fill = (x, hidden) => tf.mul(whiten(x, hidden), 0.7) as tf.Tensor4D;
    const [x, maps] = [pictures(2), scaleMaps(blurry, pictures(2), masks)];

    expect(maxDifference(scaleMaps(blurry, x, swapped), maps)).toBe(0);
    for (let i = 0; i < 12; i++) {
      const mask = tf.slice(masks, i, 1) as tf.Tensor4D;
      const error = tf.mul(tf.squaredDifference(blurry(x, mask), x), mask);
      const map = tf.slice(maps, [0, Math.floor(i / 4), 0, 0], [-1, 1, -1, -1]);
      const excess = tf.sub(tf.reshape(error, [2, 1, 32, 32]), map);
      expect(number(tf.max(excess))).toBeLessThanOrEqual(1e-7);
    }
  });

  test('a generator that returns its input errs by (1 - x)^2 everywhere: the error uses x, not what was shown', () => {
    const x = pictures(2);
    const maps = scaleMaps(whiten, x, masksOf(32));
    const expected = tf.tile(tf.reshape(tf.square(tf.sub(1, x)), [2, 1, 32, 32]), [1, 3, 1, 1]);

    expect(maxDifference(maps, expected)).toBeLessThan(1e-6);
  });

  test('a large image goes through mask by mask and gives the same maps', () => {
    const [x, masks] = [tf.sigmoid(waves([1, 256, 256, 1])) as tf.Tensor4D, masksOf(256)];
    const maps = scaleMaps(whiten, x, masks);

    expect([32, 64, 256, 512, 1024].map((side) => passLimit({ height: side, width: side, channels: 1 }))).toEqual([
      256, 64, 4, 1, 1,
    ]);
    expect(
      maxDifference(
        tf.slice(maps, [0, 2, 0, 0], [1, 1, 256, 256]),
        tf.square(tf.sub(1, tf.reshape(x, [1, 1, 256, 256]))),
      ),
    ).toBeLessThan(1e-6);
  });

  test('the filled picture is the mean over the masks that hide a pixel', () => {
    const filled = fillAverage((_x, hidden) => tf.fill(hidden.shape, 0.25), pictures(5), masksOf(32));

    expect(filled.shape).toEqual([5, 32, 32, 1]);
    expect(maxDifference(filled, tf.fill([5, 32, 32, 1], 0.25))).toBeLessThan(1e-6);
  });
});

describe('fusion', () => {
  const means = () =>
    tf.tensor2d([
      [0.3, 0.2, 0.1],
      [0.1, 0.2, 0.4],
    ]);
  const usual = () => [0.2, 0.05, 0.1];
  const scores = (name: 'select' | 'mean' | 'normMean') =>
    Array.from(fuseMeans(means(), fusionWeights(means(), name, usual)).dataSync());

  test('select takes the raw score of the scale furthest above its usual error', () => {
    expect(scores('select')).toEqual([expect.closeTo(0.2, 6), expect.closeTo(0.4, 6)]);
  });

  test('mean averages, normMean averages in units of the usual error', () => {
    expect(scores('mean')).toEqual([expect.closeTo(0.2, 6), expect.closeTo(0.7 / 3, 6)]);
    expect(scores('normMean')).toEqual([expect.closeTo((1.5 + 4 + 1) / 3, 5), expect.closeTo((0.5 + 4 + 4) / 3, 5)]);
  });

  test('mean needs no fit; a single scale is always selected', () => {
    const refused = () => {
      throw new Error('asked');
    };

    expect(() => fusionWeights(means(), 'mean', refused)).not.toThrow();
    expect(Array.from(fusionWeights(tf.tensor2d([[0.3]]), 'select', () => [0.5]).dataSync())).toEqual([1]);
  });

  test('maps are fused by the same weights as their means', () => {
    const maps = tf.abs(waves([2, 3, 4, 5])) as tf.Tensor4D;
    const own = tf.mean(maps, [2, 3]) as tf.Tensor2D;
    const weights = fusionWeights(own, 'select', usual);

    expect(maxDifference(tf.mean(fuseMaps(maps, weights), [1, 2]), fuseMeans(own, weights))).toBeLessThan(1e-6);
  });
});

describe('scores', () => {
  const scoresOf = (model: Model, images: tf.Tensor4D, name?: string) =>
    Array.from(model.score(images, name).dataSync());

  test('select and normMean ask for a fit, mean does not', async () => {
    const model = createModel();
    const x = gatherImages(toys(3));

    expect(() => model.score(x)).toThrow(expect.objectContaining({ code: 'not_fitted' }));
    expect(scoresOf(model, x, 'mean')).toHaveLength(3);
    await fitToToys(model);
    expect(scoresOf(model, x)).toEqual(scoresOf(model, x, 'select'));
    expect(() => model.score(x, 'median')).toThrow(expect.objectContaining({ code: 'unknown_score' }));
    model.dispose();
  });

  test('the usual errors are the means over the training images, or over some of them', async () => {
    const usual = async (changes: Partial<Hyperparameters>) => {
      const model = createModel({ stripes: [4], ...changes });
      await fitToToys(model);
      const value = model.buffers!.usualErrors!.read().data[0]!;
      const mean = scoresOf(model, gatherImages(toys(8)), 'mean');
      model.dispose();
      return { value, mean };
    };
    const all = await usual({});

    expect(all.value).toBeCloseTo(all.mean.reduce((sum, score) => sum + score, 0) / 8, 6);
    const some = await usual({ meanImages: 2 });
    expect(some.value).toBeCloseTo((some.mean[0]! + some.mean[4]!) / 2, 6);
  });

  test('a batch of images scores as one by one', async () => {
    const model = createModel();
    await fitToToys(model);
    const x = gatherImages(toys(5));
    const together = scoresOf(model, x);

    for (const [i, score] of together.entries()) {
      expect(scoresOf(model, tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1]))[0]).toBeCloseTo(score, 6);
    }
    model.dispose();
  });

  test('the frame around small images is no part of their map', async () => {
    const model = createModel({}, { height: 28, width: 28, channels: 1 });
    const x = gatherImages(
      createToyImages({ shape: { height: 28, width: 28, channels: 1 }, count: 2, seed: 1, kind: 'normal' }),
    );
    const average = createModel({ scaleFusion: 'mean' }, { height: 28, width: 28, channels: 1 });
    const map = average.anomalyMap!(x);

    expect(map.shape).toEqual([2, 28, 28]);
    expect(maxDifference(tf.mean(map, [1, 2]), average.score(x))).toBeLessThan(1e-6);
    expect(model.reconstruct!(x).shape).toEqual([2, 28, 28, 1]);
    model.dispose();
    average.dispose();
  });

  test('the map is blurred if asked, the scores are not', async () => {
    const [plain, blurred] = [
      createModel({ scaleFusion: 'mean' }),
      createModel({ scaleFusion: 'mean', mapBlur: true }),
    ];
    const x = gatherImages(toys(2, 'anomalous'));

    expect(number(tf.max(blurred.anomalyMap!(x)))).toBeLessThan(number(tf.max(plain.anomalyMap!(x))));
    expect(scoresOf(blurred, x)).toEqual(scoresOf(plain, x));
    plain.dispose();
    blurred.dispose();
  });
});
