import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gatherImages } from '../kit/batching.js';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { createCoder } from './coder.js';
import { Hyperparameters } from './hyperparameters.js';
import { blend, structureDifference, summedSquaredError } from './losses.js';
import { bufferRows, createModel, fittingImages, GREY_28, stepOn, toReader, toyImages } from './memstc.fixtures.js';
import { combineMaps, combineParts, pixelMap, scoreConstants, scoreParts, structureMap } from './scores.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const valuesOf = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

/** A model that has trained for a few steps and was fitted. */
async function createFitted(changes: Partial<Hyperparameters> = {}, count = 24) {
  const [train, calibration] = [toyImages(count), toyImages(9, 50)];
  const model = createModel(changes);
  await model.prepare!(toReader(train));
  for (let start = 0; start < count; start += 8) stepOn(model, train, range(start, start + 8));
  await model.fit!(fittingImages(train, calibration));
  return { model, train, calibration };
}

describe('losses', () => {
  test('errors are summed over pixels and channels and averaged over the batch', () => {
    expect(summedSquaredError(tf.fill([4, 3, 3, 2], 0.5), tf.zeros([4, 3, 3, 2])).dataSync()[0]).toBeCloseTo(4.5, 5);
  });

  test('the structure difference is S S times both means', () => {
    const of = (semantic: number, edges: number) => ({
      semantic: tf.fill([2, 4, 4, 3], semantic) as tf.Tensor4D,
      edges: tf.fill([2, 4, 4, 1], edges) as tf.Tensor4D,
    });

    expect(structureDifference(of(0.5, 0.2), of(0.2, 0.3)).dataSync()[0]).toBeCloseTo(16 * (0.3 + 0.1), 4);
  });

  test('a blend lies between its parts, and is the first where A is 1', () => {
    const parts = [tf.sigmoid(waves([2, 5, 5, 3])), tf.sigmoid(waves([2, 5, 5, 3], 1))] as const;
    const share = tf.sigmoid(waves([2, 5, 5, 1], 2));
    const mixed = blend(share, parts);
    const [low, high] = [tf.minimum(...parts), tf.maximum(...parts)];

    expect(tf.min(tf.sub(mixed, low)).dataSync()[0]).toBeGreaterThanOrEqual(-1e-6);
    expect(tf.min(tf.sub(high, mixed)).dataSync()[0]).toBeGreaterThanOrEqual(-1e-6);
    expect(maxDifference(blend(tf.onesLike(share), parts), parts[0])).toBeLessThan(1e-6);
  });
});

describe('training', () => {
  test('the queue takes each batch after its step; terms with memory begin when it is warm', async () => {
    const train = toyImages(24);
    const model = createModel();
    await model.prepare!(toReader(train));
    const terms = [0, 8, 16, 0].map((start) => Object.keys(stepOn(model, train, range(start, start + 8))));

    expect(terms[0]).toEqual(['direct', 'total']);
    expect(terms[1]).toEqual(['direct', 'total']); // 8 entries, warm from 12
    expect(terms[2]).toEqual(['direct', 'attention', 'total']);
    expect(bufferRows(model, 'queue/ids').flat()).toEqual([...range(0, 24), ...range(0, 8)]);
    expect(bufferRows(model, 'queue/values')[0]).toHaveLength(6);
    model.dispose();
  });

  test('the total is the weighted sum of its terms', async () => {
    const train = toyImages(16);
    const model = createModel({ directWeight: 2, memoryWeight: 0.5, structureWeight: 0.06, attentionWeight: 3 });
    await model.prepare!(toReader(train));
    stepOn(model, train, range(0, 8));
    const { direct, memory, structure, attention, total } = stepOn(model, train, range(8, 16));

    expect(total! / (2 * direct! + 0.5 * memory! + 0.06 * structure! + 3 * attention!)).toBeCloseTo(1, 5);
    model.dispose();
  });

  test('before the queue is warm the attention rests, then it moves', async () => {
    const train = toyImages(16);
    const model = createModel();
    await model.prepare!(toReader(train));
    const before = model.networks.attention!.variable('look', 'kernel').clone();
    stepOn(model, train, range(0, 8));
    const rested = maxDifference(before, model.networks.attention!.variable('look', 'kernel'));
    stepOn(model, train, range(8, 16));

    expect(rested).toBe(0);
    expect(maxDifference(before, model.networks.attention!.variable('look', 'kernel'))).toBeGreaterThan(0);
    model.dispose();
  });

  test('the direct path reaches the encoder, what was looked up does not', () => {
    const h = Hyperparameters.parse({ stageChannels: [4, 8], latentSize: 6 });
    const coder = createCoder(h, { input: GREY_28, seed: 1, generator: createGenerator(1) });
    const images = gatherImages(toyImages(4));
    const { encoder, semanticDecoder } = coder.networks;
    const lookedUp = coder.encode(images, 'infer');
    const variables = [...encoder.trainable, ...semanticDecoder.trainable].map(({ variable }) => variable);
    const gradients = (valuesFor: () => tf.Tensor2D) =>
      tf.variableGrads(() => {
        const values = valuesFor();
        return summedSquaredError(coder.decode([values, values], 'train')[0], images);
      }, variables).grads;
    const direct = gradients(() => coder.encode(images, 'train'));
    const memory = gradients(() => lookedUp);
    const kernel = encoder.variable('down1', 'kernel').name;

    expect(tf.max(tf.abs(direct[kernel]!)).dataSync()[0]).toBeGreaterThan(1e-3);
    expect(memory[kernel]).toBeUndefined();
    expect(tf.max(tf.abs(memory[semanticDecoder.variable('expand', 'kernel').name]!)).dataSync()[0]).toBeGreaterThan(0);
    coder.dispose();
  });

  test('the attention lies in (0, 1) for every pixel, one for all channels', () => {
    const h = Hyperparameters.parse({ stageChannels: [4, 8] });
    const coder = createCoder(h, { input: { ...GREY_28, channels: 3 }, seed: 1, generator: createGenerator(1) });
    const share = coder.attend(tf.sigmoid(waves([2, 28, 28, 3])) as tf.Tensor4D, 'infer');

    expect(share.shape).toEqual([2, 28, 28, 1]);
    expect(tf.min(share).dataSync()[0]).toBeGreaterThan(0);
    expect(tf.max(share).dataSync()[0]).toBeLessThan(1);
    coder.dispose();
  });

  test.each<[string, Partial<Hyperparameters>]>([
    ['whole images', { learningRate: 3e-3 }],
    ['cells, all terms', { granularity: 'cell', learningRate: 3e-3, memoryWeight: 1, structureWeight: 0.06 }],
  ])('%s: the direct error falls', async (_what, changes) => {
    const train = toyImages(16);
    const model = createModel(changes);
    await model.prepare!(toReader(train));
    const first = stepOn(model, train, range(0, 16));
    let last = first;
    for (let i = 0; i < 40; i++) last = stepOn(model, train, range(0, 16));

    expect(last.direct).toBeLessThan(0.7 * first.direct!);
    model.dispose();
  });
});

describe('fitting', () => {
  test('stores what the final encoder says of every training image, and takes new keys from it', async () => {
    const { model, train } = await createFitted();
    const latents = model.networks.encoder!.apply(gatherImages(train), 'infer');

    expect(bufferRows(model, 'memory/ids').flat()).toEqual(range(0, 24));
    expect(maxDifference(tf.tensor2d(bufferRows(model, 'memory/values')), latents)).toBeLessThan(1e-5);
    model.dispose();
  });

  test('draws without replacement when the training set is larger than the memory', async () => {
    const { model } = await createFitted({ queueSize: 10 });
    const ids = bufferRows(model, 'memory/ids').flat();

    expect(new Set(ids).size).toBe(10);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(ids).not.toEqual(range(0, 10));
    model.dispose();
  });

  test('of cells, too: each with its own value', async () => {
    const { model, train } = await createFitted({ granularity: 'cell', queueSize: 100 });
    const ids = bufferRows(model, 'memory/ids').flat();
    const latents = (model.networks.encoder!.apply(gatherImages(train), 'infer') as tf.Tensor4D).arraySync();

    expect(ids).toHaveLength(100);
    for (const [i, value] of bufferRows(model, 'memory/values').entries()) {
      const cells = latents[ids[i]!]!.flat();
      const nearest = Math.min(...cells.map((cell) => Math.max(...cell.map((v, d) => Math.abs(v - value[d]!)))));
      expect(nearest).toBeLessThan(1e-5);
    }
    model.dispose();
  });

  test('a second fit says the same, and neither fitting nor scoring touches the queue of training', async () => {
    const { model, train, calibration } = await createFitted();
    const state = (prefix: string) =>
      Object.keys(model.buffers!)
        .filter((name) => name.startsWith(prefix))
        .map((name) => bufferRows(model, name));
    const [queue, memory, constants] = [state('queue'), state('memory'), state('constants')];
    model.score(gatherImages(calibration));
    await model.fit!(fittingImages(train, calibration));

    expect([state('queue'), state('memory'), state('constants')]).toEqual([queue, memory, constants]);
    model.dispose();
  });

  test('held-out images that are in the memory are an error', async () => {
    const train = toyImages(12);
    const model = createModel();
    await model.prepare!(toReader(train));

    await expect(model.fit!(fittingImages(train, train))).rejects.toThrow(
      expect.objectContaining({
        code: 'score_constant_zero',
        kind: 'user',
        message: expect.stringContaining('retrieval'),
      }),
    );
    model.dispose();
  });

  test('stops between two reads when told to', async () => {
    const train = toyImages(12);
    const model = createModel();
    await model.prepare!(toReader(train));
    const signal = AbortSignal.abort(new Error('enough'));

    await expect(model.fit!({ ...fittingImages(train, toyImages(4, 9)), signal })).rejects.toThrow('enough');
    model.dispose();
  });

  test('scores before it are refused, but for the direct one', async () => {
    const model = createModel();
    await model.prepare!(toReader(toyImages(4)));
    const x = gatherImages(toyImages(4));

    expect(() => model.score(x)).toThrow(expect.objectContaining({ code: 'not_fitted' }));
    expect(model.score(x, 'direct').shape).toEqual([4]);
    model.dispose();
  });
});

describe('scores', () => {
  test('parts, combination and map by hand', () => {
    const of = (semantic: number, edges: number) => ({
      semantic: tf.fill([1, 2, 2, 3], semantic) as tf.Tensor4D,
      edges: tf.fill([1, 2, 2, 1], edges) as tf.Tensor4D,
    });
    const seen = {
      images: tf.zeros<tf.Rank.R4>([1, 2, 2, 1]),
      reconstructions: tf.tensor4d([1, 0, 0, 0.5], [1, 2, 2, 1]),
      original: of(0.5, 0.2),
      rebuilt: of(0.7, 0.6),
      distances: [tf.tensor1d([2, 4]), tf.tensor1d([1, 1])] as const, // two cells
    };
    const constants = { pixel: 0.5, structure: 0.2, retrieval: 8 };
    const parts = scoreParts(seen);
    const weights = { structureShare: 0.25, retrievalWeight: 2 };

    const [p, t, r] = [1.25 / 4, 0.5 * (0.04 + 0.16), 4];
    expect(valuesOf(parts.pixel)[0]).toBeCloseTo(p, 6);
    expect(valuesOf(parts.structure)[0]).toBeCloseTo(t, 6);
    expect(valuesOf(parts.retrieval)[0]).toBeCloseTo(r, 6);
    const expected = 0.75 * (p / 0.5) + 0.25 * (t / 0.2) + 2 * (r / 8);
    expect(valuesOf(combineParts(parts, constants, weights))[0]).toBeCloseTo(expected, 5);
    const map = valuesOf(combineMaps(seen, constants, weights));
    for (const [i, error] of [1, 0, 0, 0.25].entries()) expect(map[i]).toBeCloseTo(error / 0.5 + 0.25 * (t / 0.2), 5);
    expect(pixelMap(seen).shape).toEqual([1, 2, 2]);
    expect(structureMap(seen).shape).toEqual([1, 2, 2]);
  });

  test('constants are medians', () => {
    const constants = scoreConstants({ pixel: [3, 1, 2], structure: [4, 1, 2, 3], retrieval: [5] });

    expect(constants).toEqual({ pixel: 2, structure: 2.5, retrieval: 5 });
  });

  test('are independent of batch and order', async () => {
    const { model } = await createFitted({ retrievalWeight: 0.5 });
    const x = gatherImages(toyImages(16, 8));
    const together = valuesOf(model.score(x));
    const reversed = valuesOf(model.score(tf.reverse(x, 0)));

    for (const i of [0, 7, 15]) {
      const alone = valuesOf(model.score(tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1])))[0]!;
      expect(alone / together[i]!).toBeCloseTo(1, 5);
      expect(reversed[15 - i]! / together[i]!).toBeCloseTo(1, 5);
    }
    model.dispose();
  });

  /** A fitted model whose attention is one half everywhere. */
  const createEven = async (changes: Partial<Hyperparameters> = {}) => {
    const { model, train } = await createFitted(changes);
    for (const { variable } of model.networks.attention!.trainable) variable.assign(tf.zeros(variable.shape));
    return { model, train };
  };

  test('images that find the same entries under the same attention are rebuilt alike', async () => {
    const { model } = await createEven({ queueSize: 1 });
    const pictures = model.reconstruct!(gatherImages(toyImages(6, 8)));

    expect(maxDifference(pictures, tf.tile(tf.slice(pictures, 0, 1), [6, 1, 1, 1]))).toBeLessThan(1e-6);
    model.dispose();
  });

  test('an image of the memory finds itself: it is rebuilt from the decodings of its own latent', async () => {
    const { model, train } = await createEven();
    const x = gatherImages(train, [3]);
    const latent = model.networks.encoder!.apply(x, 'infer');
    const [first, second] = ['semanticDecoder', 'edgeDecoder'].map((name) =>
      model.networks[name]!.apply(latent, 'infer'),
    );

    expect(maxDifference(model.reconstruct!(x), tf.mul(tf.add(first!, second!), 0.5))).toBeLessThan(1e-5);
    expect(valuesOf(model.score(x, 'retrieval'))[0]).toBeLessThan(1e-5);
    model.dispose();
  });
});
