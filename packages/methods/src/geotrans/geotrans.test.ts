import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { createModel, fitModel, scoresOf, step, toyBatch, toyReader } from './geotrans.fixtures.js';
import { Hyperparameters } from './hyperparameters.js';
import { drawLabels } from './labels.js';
import { crossEntropy, crossEntropyPerSample, weightTerm } from './losses.js';
import { createStatisticsSum, dirichletScore, type LogProbabilities, simpleScore } from './normality.js';
import { listTransformations, planGather } from './transformations.js';
import { createTransformer } from './transformer.js';

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('the transformer', () => {
  const h = Hyperparameters.parse({});
  const expectedOf = (image: tf.Tensor, label: number) => {
    const [side, , channels] = image.shape as [number, number, number];
    const gather = planGather(listTransformations('full72', side / 4)[label]!, side);
    const values = image.dataSync();
    return Array.from(gather).flatMap((source) =>
      Array.from({ length: channels }, (_, c) => values[source * channels + c]!),
    );
  };

  test('moves whole pixels, one transformation for all images or one for each', () => {
    const transformer = createTransformer(h, 32);
    const x = waves([3, 32, 32, 2]) as tf.Tensor4D;
    const labels = [71, 0, 22];
    const each = transformer.applyEach(x, tf.tensor1d(labels, 'int32'));

    expect(transformer.count).toBe(72);
    for (const [i, label] of labels.entries()) {
      const image = tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1]).squeeze<tf.Tensor3D>([0]);
      expect(Array.from(tf.slice4d(each, [i, 0, 0, 0], [1, -1, -1, -1]).dataSync())).toEqual(expectedOf(image, label));
      const all = tf.slice4d(transformer.applyToAll(x, label), [i, 0, 0, 0], [1, -1, -1, -1]);
      expect(Array.from(all.dataSync())).toEqual(expectedOf(image, label));
    }
    transformer.dispose();
  });
});

describe('labels', () => {
  const positions = Int32Array.from({ length: 20 }, (_, i) => i);
  const passes = (seed: number, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => drawLabels(positions, { seed, pass: from + i, count: 8 }));

  test('show every image under every transformation once in as many passes, in a new order each time', () => {
    const [first, second] = [passes(1, 1, 8), passes(1, 9, 16)];

    for (const round of [first, second]) {
      for (const image of positions) {
        expect(round.map((labels) => labels[image]).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      }
    }
    expect(first).not.toEqual(second);
    // A pass mixes the transformations.
    for (const labels of first) expect(new Set(labels).size).toBeGreaterThan(2);
  });

  test('depend on seed, image and pass alone', () => {
    expect(passes(1, 1, 8)).toEqual(passes(1, 1, 8));
    expect(passes(2, 1, 8)).not.toEqual(passes(1, 1, 8));
    const some = drawLabels(Int32Array.of(7, 3), { seed: 1, pass: 5, count: 8 });
    const all = drawLabels(positions, { seed: 1, pass: 5, count: 8 });
    expect(Array.from(some)).toEqual([all[7], all[3]]);
  });
});

describe('losses', () => {
  test('worked by hand: the mean over the batch of -log softmax', () => {
    const logits = tf.tensor2d([
      [0, 0, 0],
      [1, 2, 4],
    ]);
    const labels = tf.tensor1d([2, 0], 'int32');
    const second = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(4)) - 1;

    expect(Array.from(crossEntropyPerSample(logits, labels).dataSync())[1]).toBeCloseTo(second, 5);
    expect(crossEntropy(logits, labels).dataSync()[0]).toBeCloseTo((Math.log(3) + second) / 2, 5);
  });

  test('an untrained classifier is at chance', () => {
    expect(step(createModel(), toyBatch(32)).crossEntropy).toBeCloseTo(Math.log(8), 0);
    expect(step(createModel({ transforms: 'full72' }), toyBatch(32)).crossEntropy).toBeCloseTo(Math.log(72), 0);
  });

  test('the penalty pulls every trainable parameter, scales and biases included, by 2 lambda w', () => {
    const { classifier } = createModel().networks;
    const variables = classifier!.trainable;
    const constantLogits = tf.zeros<tf.Rank.R2>([4, 8]);
    const labels = tf.tensor1d([0, 1, 2, 3], 'int32');
    const { grads, value } = tf.variableGrads(
      () => tf.add(crossEntropy(constantLogits, labels), weightTerm(classifier!, 2.5e-4)),
      variables.map((v) => v.variable),
    );
    const squares = variables.reduce((sum, v) => sum + tf.sum(tf.square(v.variable)).dataSync()[0]!, 0);

    expect(value.dataSync()[0]).toBeCloseTo(Math.log(8) + 2.5e-4 * squares, 4);
    expect(variables.map((v) => v.parameter)).toEqual(expect.arrayContaining(['kernel', 'bias', 'gamma', 'beta']));
    for (const { name, variable } of variables) {
      expect(maxDifference(grads[variable.name]!, tf.mul(variable, 5e-4)), name).toBeLessThan(1e-8);
    }
  });

  test('the reported total is their sum', () => {
    const { crossEntropy: ce, weightPenalty, total, accuracy } = step(createModel(), toyBatch(8));

    expect(total).toBeCloseTo(ce! + weightPenalty!, 5);
    expect(accuracy).toBeGreaterThanOrEqual(0);
    expect(accuracy).toBeLessThanOrEqual(1);
  });
});

describe('normality', () => {
  const COUNT = 4;
  /** A classifier that gives the right transformation this log-probability and shares the rest. */
  const stub =
    (right: number, at: (label: number) => number = () => right): LogProbabilities =>
    (label) => {
      const rest = Math.log((1 - Math.exp(at(label))) / (COUNT - 1));
      return tf.tensor2d([Array.from({ length: COUNT }, (_, j) => (j === label ? at(label) : rest))]);
    };
  const uniform = stub(Math.log(1 / COUNT));
  // Sure of the right transformation, rarely of another.
  const sharp = () => tf.add(tf.mul(tf.eye(COUNT), 20), 0.3) as tf.Tensor2D;
  const labels = [0, 1, 2, 3];

  test('an oracle is more normal than a classifier at a loss, by either score', () => {
    const oracle = stub(-0.01);

    expect(dirichletScore(sharp(), oracle).dataSync()[0]).toBeLessThan(dirichletScore(sharp(), uniform).dataSync()[0]!);
    expect(simpleScore(labels, oracle).dataSync()[0]).toBeCloseTo(1 - Math.exp(-0.01), 5);
    expect(simpleScore(labels, uniform).dataSync()[0]).toBeCloseTo(1 - 1 / COUNT, 5);
  });

  test('a transformation told worse makes an image less normal', () => {
    const worse = stub(-0.01, (label) => (label === 2 ? -1 : -0.01));

    expect(dirichletScore(sharp(), worse).dataSync()[0]).toBeGreaterThan(
      dirichletScore(sharp(), stub(-0.01)).dataSync()[0]!,
    );
  });

  test('is minus the mean over t of sum_j (alpha_t[j] - 1) log y[j], clamped where it underflowed', () => {
    const logs = (label: number) => [-0.2, -2, -3 - label, -200].map((log) => Math.max(log, -87.33));
    const given: LogProbabilities = (label) => tf.tensor2d([[-0.2, -2, -3 - label, -200]]);
    const exponents = sharp()
      .arraySync()
      .map((row) => row.map((value) => value - 1));
    const expected = labels.reduce((sum, t) => sum + logs(t).reduce((s, log, j) => s + exponents[t]![j]! * log, 0), 0);

    expect(dirichletScore(sharp(), given).dataSync()[0]).toBeCloseTo(-expected / COUNT, 3);
  });

  test('the statistics are the means of logs and of probabilities over all batches', async () => {
    const rows = [
      [0.7, 0.1, 0.1, 0.1],
      [0.4, 0.3, 0.2, 0.1],
      [0.25, 0.25, 0.25, 0.25],
    ];
    const sum = createStatisticsSum(COUNT);
    const batchOf = (some: number[][]): LogProbabilities => {
      return (label) => tf.log(tf.tensor2d(some.map((row) => [...row.slice(label), ...row.slice(0, label)])));
    };
    await sum.add(batchOf(rows.slice(0, 2)), 2);
    await sum.add(batchOf(rows.slice(2)), 1);
    const mean = (j: number, f: (p: number) => number) => rows.reduce((total, row) => total + f(row[j]!), 0) / 3;

    for (const [label, { meanLogs, means }] of sum.means().entries()) {
      for (let j = 0; j < COUNT; j++) {
        expect(means[j]).toBeCloseTo(
          mean((j + label) % COUNT, (p) => p),
          6,
        );
        expect(meanLogs[j]).toBeCloseTo(mean((j + label) % COUNT, Math.log), 5);
      }
    }
  });
});

describe('the model', () => {
  test('needs its fit for the Dirichlet score alone', async () => {
    const model = createModel();
    const x = toyBatch(2);

    expect(() => model.score(x)).toThrow(expect.objectContaining({ code: 'not_fitted', kind: 'bug' }));
    expect(scoresOf(model, x, 'simple')).toHaveLength(2);
    await fitModel(model);
    expect(scoresOf(model, x)).toEqual(scoresOf(model, x, 'dirichlet'));
    expect(model.buffers!.alpha!.read().shape).toEqual([8, 8]);
  });

  test('fits on the training images, or on held-out ones when told so', async () => {
    const alphaOf = async (dirichletFit: 'train' | 'heldout', train = toyReader(6), held = toyReader(4, 9)) => {
      const model = createModel({ dirichletFit });
      await fitModel(model, train, held);
      return Array.from(model.buffers!.alpha!.read().data);
    };
    const [train, held] = [await alphaOf('train'), await alphaOf('heldout')];

    expect(train).not.toEqual(held);
    expect(await alphaOf('train', toyReader(6), toyReader(3, 10))).toEqual(train);
    expect(await alphaOf('heldout', toyReader(5, 11))).toEqual(held);
  });

  test('stops fitting when asked', async () => {
    const signal = AbortSignal.abort(new Error('stop now'));

    await expect(createModel().fit!({ train: toyReader(2), calibration: toyReader(2), signal })).rejects.toThrow(
      'stop now',
    );
  });

  test('scores an image the same alone, in a batch and in any order', async () => {
    const model = createModel();
    for (let pass = 1; pass <= 3; pass++) step(model, toyBatch(8), pass);
    await fitModel(model);
    const x = tf.concat([toyBatch(3), toyBatch(3, 'anomalous')]) as tf.Tensor4D;

    for (const name of ['dirichlet', 'simple', 'turns']) {
      const together = scoresOf(model, x, name);
      const reversed = scoresOf(model, tf.reverse(x, 0), name).reverse();
      const scale = Math.max(...together.map(Math.abs));
      for (const [i, value] of together.entries()) {
        const alone = scoresOf(model, tf.slice4d(x, [i, 0, 0, 0], [1, -1, -1, -1]), name)[0]!;
        expect(Math.abs(alone - value)).toBeLessThan(1e-5 * scale);
        expect(Math.abs(reversed[i]! - value)).toBeLessThan(1e-5 * scale);
      }
    }
  });

  test('simple and turns are one minus the mean probability of the right transformations', () => {
    const model = createModel();
    const x = toyBatch(2);
    const transformer = createTransformer(Hyperparameters.parse({ transforms: 'dihedral8' }), 32);
    const pixels = tf.pad4d(
      tf.sub(tf.mul(x, 2), 1) as tf.Tensor4D,
      [
        [0, 0],
        [2, 2],
        [2, 2],
        [0, 0],
      ],
      -1,
    );
    const right = Array.from({ length: 8 }, (_, label) => {
      const logits = model.networks.classifier!.apply(transformer.applyToAll(pixels, label), 'infer');
      return (tf.softmax(logits).arraySync() as number[][]).map((row) => row[label]!);
    });
    const expected = (count: number, image: number) =>
      1 - right.slice(0, count).reduce((sum, values) => sum + values[image]!, 0) / count;

    for (const image of [0, 1]) {
      expect(scoresOf(model, x, 'simple')[image]).toBeCloseTo(expected(8, image), 5);
      expect(scoresOf(model, x, 'turns')[image]).toBeCloseTo(expected(4, image), 5);
    }
    transformer.dispose();
  });

  test('the selection loss goes round the transformations with the position of the image', () => {
    const model = createModel();
    const x = toyBatch(3);
    const whole = Array.from(model.selectionLoss(x, 6).dataSync());
    const last = Array.from(model.selectionLoss(tf.slice4d(x, [2, 0, 0, 0], [1, -1, -1, -1]), 8).dataSync());

    expect(last[0]).toBeCloseTo(whole[2]!, 5);
    expect(model.selectionLoss(x, 0).dataSync()[2]).not.toBeCloseTo(whole[2]!, 5);
    expect(Array.from(model.selectionLoss(x, 14).dataSync())).toEqual(whole);
  });

  test('refuses an unknown score', () => {
    expect(() => createModel().score(toyBatch(1), 'nonsense')).toThrow(/no score 'nonsense'/);
  });
});
