import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gatherImages } from '../kit/batching.js';
import type { ImageReader, ImageShape } from '../method.js';
import { gradientError, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { Hyperparameters } from './hyperparameters.js';
import { createMkd } from './model.js';
import { computeSaliency, localize, type SaliencyParts } from './saliency.js';

const INPUT: ImageShape = { height: 28, width: 28, channels: 1 };
/** Narrow networks; the batch of the tests below is a full one. */
const NARROW = { teacherChannels: 0.125, bottleneck: 4, batchSize: 8 } as const;
const IMAGES = createToyImages({ shape: INPUT, count: 8, seed: 3, kind: 'normal' });
const READER: ImageReader = { count: 8, shape: INPUT, read: async (positions) => gatherImages(IMAGES, positions) };
const POSITIONS = Int32Array.from({ length: 8 }, (_, i) => i);

async function create(changes: Partial<Hyperparameters> = {}, seed = 1) {
  const h = Hyperparameters.parse({ ...NARROW, ...changes });
  const model = await createMkd(h, { input: INPUT, seed, generator: createGenerator(seed, 'training') });
  await model.prepare?.(READER);
  return { h, model };
}

async function steps(changes: Partial<Hyperparameters>, count: number) {
  const { model } = await create(changes);
  const losses = Array.from({ length: count }, (_, step) => {
    const images = gatherImages(IMAGES);
    const terms = model.trainStep(images, { epoch: 1, step, positions: POSITIONS });
    const values = Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
    tf.dispose([images, terms]);
    return values;
  });
  return { model, losses };
}

const bits = (variables: readonly { readonly variable: tf.Variable }[]) =>
  variables.map(({ variable }) => Array.from(variable.dataSync()));

beforeAll(useNativeEngine);

test('five steps leave the teacher as it was, move the cloner’s weights and its moving averages, and lower the loss', async () => {
  const { model: fresh } = await create();
  const { model, losses } = await steps({}, 5);
  const [before, after] = [fresh, model].map(({ networks: { teacher, cloner } }) => ({
    teacher: bits(teacher!.nonTrainable),
    weights: bits(cloner!.trainable),
    averages: bits(cloner!.nonTrainable),
  }));

  expect(after!.teacher).toEqual(before!.teacher);
  for (const [i, values] of after!.weights.entries()) expect(values).not.toEqual(before!.weights[i]);
  for (const [i, values] of after!.averages.entries()) expect(values).not.toEqual(before!.averages[i]);
  expect(model.networks.teacher!.trainable).toEqual([]);
  expect(model.optimizers.cloner!.variables).toHaveLength(model.networks.cloner!.trainable.length);
  expect(losses.at(-1)!.total).toBeLessThan(losses[0]!.total!);
  for (const { direction, value, total } of losses) expect(total).toBeCloseTo(direction! + 0.01 * value!, 4);
});

test('the first losses are the same with and without a cache of the teacher’s features', async () => {
  const [cached, computed] = [await steps({}, 3), await steps({ cacheMiB: 0 }, 3)];

  for (const [i, losses] of cached.losses.entries()) {
    for (const [name, value] of Object.entries(losses)) expect(value).toBeCloseTo(computed.losses[i]![name]!, 5);
  }
});

test('a batch of one image moves nothing', async () => {
  const { model } = await create();
  const before = bits([...model.networks.cloner!.trainable, ...model.networks.cloner!.nonTrainable]);
  const terms = model.trainStep(gatherImages(IMAGES, [0]), { epoch: 1, step: 0, positions: Int32Array.of(0) });

  expect(Object.keys(terms).sort()).toEqual(['direction', 'total', 'value']);
  expect(bits([...model.networks.cloner!.trainable, ...model.networks.cloner!.nonTrainable])).toEqual(before);
});

test('a cloner that is the teacher scores 0 for every image', async () => {
  const { model } = await create({ cloner: 'equal', useBias: true });
  const { teacher, cloner } = model.networks;
  const convolutions = cloner!.plan.layers.filter(({ kind }) => kind === 'conv2d');
  const sources = teacher!.plan.layers.filter(({ kind }) => kind === 'conv2d');
  for (const [i, { name }] of convolutions.entries()) {
    for (const parameter of ['kernel', 'bias'] as const) {
      cloner!.variable(name, parameter).assign(teacher!.variable(sources[i]!.name, parameter));
    }
    // Fresh moving averages are 0 and 1, so only epsilon is left of the normalisation; take that out too.
    const norm = cloner!.plan.layers.find((layer) => layer.name === `${name}-norm`);
    if (norm === undefined) continue;
    const gamma = cloner!.variable(norm.name, 'gamma');
    gamma.assign(tf.fill(gamma.shape, Math.sqrt(1 + 1e-5)));
  }

  for (const name of ['total', 'direction', 'value']) {
    for (const score of model.score(gatherImages(IMAGES), name).dataSync()) expect(Math.abs(score)).toBeLessThan(1e-5);
  }
});

test('the balance is the ratio of both losses of the untrained cloner', async () => {
  const { model, losses } = await steps({ lambdaMode: 'balance' }, 1);
  const [{ direction, value, total }] = losses as [Record<string, number>];
  const balance = model.buffers!.lambda!.read().data[0]!;

  expect(balance).toBeCloseTo(direction! / value!, 4);
  expect(total).toBeCloseTo(2 * direction!, 3);
});

test('without a shift the normalisations keep zero', async () => {
  const { model } = await steps({ bnBeta: false }, 2);

  expect(
    bits(model.networks.cloner!.trainable.filter(({ parameter }) => parameter === 'beta'))
      .flat()
      .every((v) => v === 0),
  ).toBe(true);
  expect(model.optimizers.cloner!.variables.some(({ parameter }) => parameter === 'beta')).toBe(false);
});

describe('localisation', () => {
  /** The parts of a map on 32x32 inputs, for tests of the gradient. */
  async function parts(changes: Partial<Hyperparameters> = {}) {
    const { h, model } = await create({ scoreLevels: [2, 3], trainLevels: [2, 3], ...changes });
    const { teacher, cloner } = model.networks;
    const score = (sources: tf.Tensor[], clones: tf.Tensor[]) =>
      tf.addN(sources.map((s, i) => tf.mean(tf.squaredDifference(s, clones[i]!)))) as tf.Scalar;
    const saliency: SaliencyParts = {
      hyperparameters: h,
      totalScore: score,
      sourceTaps: (x) => teacher!.taps(x, 'infer', ['features.9', 'features.16']) as tf.Tensor4D[],
      cloner: cloner!,
      clonerTaps: ['pool2', 'pool3'],
    };
    return {
      saliency,
      total: (x: tf.Tensor4D) => score(saliency.sourceTaps(x), cloner!.taps(x, 'infer', ['pool2', 'pool3'])),
    };
  }
  const x = () => tf.image.resizeBilinear(tf.tile(gatherImages(IMAGES, [0]), [1, 1, 1, 3]), [32, 32]) as tf.Tensor4D;

  test('the gradient by the input is that of finite differences at five pixels, and in every direction', async () => {
    const { saliency, total } = await parts();
    // Without flat places: where a pool's inputs are equal, or a ReLU's is 0, there is no derivative to compare with.
    const picture = tf.sigmoid(waves([1, 32, 32, 3])) as tf.Tensor4D;
    const map = computeSaliency(saliency, picture);
    const step = 4e-3;
    for (const [row, column] of [
      [8, 9],
      [15, 20],
      [16, 16],
      [22, 11],
      [12, 18],
    ] as const) {
      let expected = 0;
      for (let channel = 0; channel < 3; channel++) {
        const change = tf.buffer<tf.Rank.R4>([1, 32, 32, 3]);
        change.set(step, 0, row, column, channel);
        const at = (sign: number) => total(tf.add(picture, tf.mul(change.toTensor(), sign))).dataSync()[0]!;
        expected += Math.abs((at(1) - at(-1)) / (2 * step));
      }
      expect(Math.abs(map.bufferSync().get(0, row, column) - expected)).toBeLessThan(1e-2 * expected);
    }
    expect(gradientError((y) => tf.mul(total(y as tf.Tensor4D), 100), picture, 1e-3)).toBeLessThan(1e-2);
  });

  test.each<[string, Partial<Hyperparameters>]>([
    ['gradients', {}],
    ['smoothgrad', { saliency: 'smoothgrad', smoothSamples: 3 }],
    ['guided backpropagation', { saliency: 'gbp' }],
    ['the cloner’s path alone', { gradThroughSource: false }],
  ])('%s gives a map in [0, 1] that differs from the others', async (_what, changes) => {
    const [{ saliency: plain }, { saliency: own }] = [await parts(), await parts(changes)];
    const [map, other] = [localize(own, x(), 1), localize(plain, x(), 1)];

    expect(map.shape).toEqual([1, 32, 32]);
    expect(tf.min(map).dataSync()[0]).toBeGreaterThanOrEqual(0);
    expect(tf.max(map).dataSync()[0]).toBeLessThanOrEqual(1);
    if (Object.keys(changes).length > 0) expect(maxDifference(map, other)).toBeGreaterThan(1e-3);
  });

  test('maps have the size of the images, the same alone and in a batch, with a zero border where a crop cut', async () => {
    const { model } = await create({ cropFrom: 64, inputSize: 32 });
    const maps = model.anomalyMap!(gatherImages(IMAGES, [0, 1]));
    const alone = model.anomalyMap!(gatherImages(IMAGES, [1]));

    expect(maps.shape).toEqual([2, 28, 28]);
    expect(maxDifference(tf.slice3d(maps, [1, 0, 0], [1, 28, 28]), alone)).toBeLessThan(1e-4);
    expect(tf.max(tf.slice3d(maps, [0, 0, 0], [2, 5, 28])).dataSync()[0]).toBe(0);
  });
});
