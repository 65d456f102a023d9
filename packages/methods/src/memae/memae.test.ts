import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gatherImages } from '../kit/batching.js';
import { fromSigned, toSigned } from '../kit/images.js';
import type { SteppingModel } from '../method.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { createModel, GREY_28, lossesOf } from './memae.fixtures.js';
import { readMemory } from './memory.js';
import { scoreRecollection } from './scores.js';

function toyBatch(count: number, seed = 5): tf.Tensor4D {
  return gatherImages(createToyImages({ shape: GREY_28, count, seed, kind: 'normal' }));
}

const valuesOf = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('the whole model', () => {
  test('the loss is the mean squared error plus alpha times the mean entropy', () => {
    const model = createModel({ entropyWeight: 0.5, shrinkFactor: 0, temperature: 0.1 });
    const losses = lossesOf(model, toyBatch(6));

    expect(losses.total).toBeCloseTo(losses.reconstruction! + 0.5 * losses.entropy!, 5);
    expect(losses.entropy).toBeGreaterThan(0.1);
    model.dispose();
  });

  test('without weights the reconstruction is grey and the error of a black image 1', () => {
    const model = createModel();
    const { decoder } = model.networks;
    for (const { variable } of decoder!.trainable) variable.assign(tf.zeros(variable.shape));
    const black = tf.zeros<tf.Rank.R4>([2, 28, 28, 1]);

    expect(valuesOf(model.score(black))).toEqual([1, 1]);
    expect(valuesOf(model.score(black, 'l2map'))).toEqual([1, 1]);
    expect(maxDifference(model.reconstruct!(black), tf.fill([2, 28, 28, 1], 0.5))).toBe(0);
    model.dispose();
  });

  test('the decoder never sees the latent: only what is read from the memory counts', () => {
    // Cosine addressing ignores the length of the latent, so scaling the last normalisation changes z but not w^.
    const model = createModel({ linearLatent: true, entropyWeight: 0 });
    const x = toyBatch(4);
    for (let i = 0; i < 10; i++) lossesOf(model, x);
    const before = model.reconstruct!(x);
    const distances = model.score(x, 'distance');
    for (const parameter of ['gamma', 'beta'] as const) {
      const variable = model.networks.encoder!.variable('norm3', parameter);
      variable.assign(tf.mul(variable, 3));
    }

    expect(maxDifference(model.score(x, 'distance'), distances)).toBeGreaterThan(0.1);
    expect(maxDifference(model.reconstruct!(x), before)).toBeLessThan(1e-5);
    model.dispose();
  });

  test.each(['vector', 'cell'] as const)('with one slot every image is rebuilt as the same (%s)', (slot) => {
    const model = createModel({ memorySize: 1, shrinkFactor: 0.5, slot });
    const pictures = model.reconstruct!(toyBatch(5));
    const first = tf.slice(pictures, 0, 1);

    expect(maxDifference(pictures, tf.tile(first, [5, 1, 1, 1]))).toBeLessThan(1e-6);
    model.dispose();
  });

  test('cells are read one by one: the decoder gets what the module answers to the rows of the latent', () => {
    const model = createModel({ slot: 'cell', temperature: 0.1 });
    const { encoder, memory, decoder } = model.networks;
    const x = toyBatch(3);
    const latent = encoder!.apply(toSigned(x), 'infer');
    const slots = memory!.variable('slots', 'kernel') as tf.Tensor as tf.Tensor2D;
    const addressing = { similarity: 'cosine', temperature: 0.1, threshold: 0.1, deadPolicy: 'keep-max' } as const;
    const { values } = readMemory(tf.reshape(latent, [3 * 4 * 4, 8]), slots, addressing);
    const rebuilt = fromSigned(decoder!.apply(tf.reshape(values, [3, 4, 4, 8]), 'infer'));

    expect(maxDifference(model.reconstruct!(x), tf.clipByValue(rebuilt, 0, 1))).toBeLessThan(1e-6);
    model.dispose();
  });

  test('scores of one image are the same alone and among others', () => {
    const model = createModel();
    const x = toyBatch(32);
    for (let i = 0; i < 5; i++) lossesOf(model, x);
    for (const name of ['mse', 'l2map', 'entropy', 'distance']) {
      const together = valuesOf(model.score(x, name));
      for (const i of [0, 13, 31]) {
        const alone = valuesOf(model.score(tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1]), name))[0]!;
        expect(Math.abs(alone - together[i]!), name).toBeLessThan(1e-5 * Math.max(...together));
      }
    }
    model.dispose();
  });

  test('smoothing spreads the map without changing the score', () => {
    const [plain, smooth] = [createModel(), createModel({ smoothMap: true })];
    const x = toyBatch(2);

    expect(maxDifference(plain.score(x), smooth.score(x))).toBe(0);
    expect(maxDifference(plain.anomalyMap!(x), smooth.anomalyMap!(x))).toBeGreaterThan(1e-3);
    expect(maxDifference(tf.mean(plain.anomalyMap!(x), [1, 2]), plain.score(x))).toBeLessThan(1e-5);
    plain.dispose();
    smooth.dispose();
  });
});

describe('the scores', () => {
  test('by hand, on two images of two positions', () => {
    const seen = {
      images: tf.zeros<tf.Rank.R4>([2, 1, 2, 2]),
      reconstructions: tf.tensor4d([3, 4, 0, 0, 1, 0, 0, 0], [2, 1, 2, 2]),
      queries: tf.tensor2d([0, 0, 3, 0, 1, 1, 1, 2], [4, 2]),
      weights: tf.tensor2d([1, 0, 0.5, 0.5, 1, 0, 0, 1], [4, 2]),
      slots: tf.tensor2d([0, 0, 1, 1], [2, 2]),
    };
    const close = (name: 'mse' | 'l2map' | 'entropy' | 'distance', expected: number[]) => {
      for (const [i, value] of valuesOf(scoreRecollection(seen, name)).entries()) {
        expect(value, name).toBeCloseTo(expected[i]!, 5);
      }
    };

    close('mse', [25 / 4, 1 / 4]);
    close('l2map', [5 / 2, 1 / 2]);
    close('entropy', [Math.LN2 / 2, 0]);
    close('distance', [Math.sqrt(5) / 2, 1 / 2]);
  });
});

describe('dead memory', () => {
  test('2/N with plain cosines: all queries are dead from the start; zero leaves the encoder where it was', () => {
    const model = createModel({ shrinkFactor: 2, deadPolicy: 'zero', stageChannels: [4, 8, 32], memorySize: 100 });
    const kernel = model.networks.encoder!.variable('conv3', 'kernel');
    const before = kernel.clone();

    const losses = [0, 1, 2].map(() => lossesOf(model, toyBatch(8)));

    for (const { deadQueries, activeSlots, usedSlots } of losses) {
      expect([deadQueries, activeSlots, usedSlots]).toEqual([1, 0, 0]);
    }
    expect(maxDifference(kernel, before)).toBe(0);
    const pictures = model.reconstruct!(toyBatch(4));
    expect(maxDifference(pictures, tf.tile(tf.slice(pictures, 0, 1), [4, 1, 1, 1]))).toBeLessThan(1e-6);
    model.dispose();
  });

  test('keep-max reads one slot for each of them', () => {
    const model = createModel({ shrinkFactor: 2, stageChannels: [4, 8, 32], memorySize: 100 });

    expect(lossesOf(model, toyBatch(8))).toMatchObject({ deadQueries: 1, activeSlots: 1 });
    model.dispose();
  });

  test('1/N: about half of the slots are active and no query is dead', () => {
    const model = createModel({ stageChannels: [4, 8, 32], memorySize: 100 });
    const { deadQueries, activeSlots } = lossesOf(model, toyBatch(32));

    expect(deadQueries).toBe(0);
    expect(activeSlots).toBeGreaterThan(30);
    expect(activeSlots).toBeLessThan(70);
    model.dispose();
  });
});

describe('learning', () => {
  const train = (model: SteppingModel, steps: number, x: tf.Tensor4D) => {
    let losses = lossesOf(model, x);
    for (let i = 1; i < steps; i++) losses = lossesOf(model, x);
    return losses;
  };

  test.each([
    ['vector', 'cosine'],
    ['cell', 'dot'],
    ['vector', 'scaled-dot'],
  ] as const)('%s, %s: the loss falls, several slots are used, noise scores higher', (slot, addressing) => {
    const model = createModel({ slot, addressing, learningRate: 1e-2, memorySize: 20 });
    const x = toyBatch(16);
    const first = lossesOf(model, x);

    const last = train(model, 50, x);

    expect(last.reconstruction).toBeLessThan(0.5 * first.reconstruction!);
    expect(last.usedSlots).toBeGreaterThan(1);
    const mean = (images: tf.Tensor4D) => tf.mean(model.score(images)).dataSync()[0]!;
    const noise = tf.clipByValue(tf.add(tf.mul(waves([16, 28, 28, 1]), 0.25), 0.5), 0, 1) as tf.Tensor4D;
    expect(mean(toyBatch(16, 9))).toBeLessThan(mean(noise));
    model.dispose();
  });
});
