import { AdctlError } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { chunkRanges } from '../kit/batching.js';
import { createBuffer, fittedContent } from '../kit/buffers.js';
import { assertImageShape, padImages, toSigned } from '../kit/images.js';
import { minimize } from '../kit/minimize.js';
import { createNetwork } from '../kit/network.js';
import type { FittingImages, ModelContext, SteppingModel } from '../method.js';
import { fitDirichlet } from './dirichlet.js';
import { imagesAtOnce, sideOf } from './geometry.js';
import type { Hyperparameters } from './hyperparameters.js';
import { drawLabels } from './labels.js';
import { crossEntropy, crossEntropyPerSample, weightTerm } from './losses.js';
import { planNetworks } from './networks.js';
import {
  allLabels,
  createStatisticsSum,
  dirichletScore,
  type LogProbabilities,
  remembered,
  simpleScore,
} from './normality.js';
import { SCORE_NAMES, type ScoreName } from './score-names.js';
import { createTransformer } from './transformer.js';

/** Every whole number below it is a float32. */
const LARGEST_FLOAT_COUNT = 2 ** 24;

/**
 * GeoTrans (Golan and El-Yaniv, NeurIPS 2018). A step shows each image of the batch under one transformation and moves
 * the classifier towards telling which. After training, one Dirichlet distribution a transformation is fitted to the
 * classifier's answers on normal images; an image whose answers are unlikely under them is anomalous.
 */
export function createGeotrans(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input, seed } = context;
  const side = sideOf(input);
  const [plan] = planNetworks(h, input);
  const classifier = createNetwork(plan, context);
  const optimizer = createAdam([classifier], {
    learningRate: h.learningRate,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
  });
  const transformer = createTransformer(h, side);
  const { count } = transformer;
  /** Dirichlet parameters, `[count, count]`: row t for transformation t. */
  const alpha = createBuffer();
  /** What the order of the transformations is drawn from; a buffer, so that a resumed training goes on in the same order. */
  const order = createBuffer();
  order.write({
    shape: [1],
    data: Float32Array.of(createGenerator(seed, 'transformations').integer(LARGEST_FLOAT_COUNT)),
  });

  /** In a black frame where needed, in [-1, 1]. */
  const toNetworkPixels = (images: tf.Tensor4D) => {
    assertImageShape(images, input);
    return padImages(toSigned(images), side, side, -1);
  };
  const logProbabilitiesOf = (x: tf.Tensor4D): LogProbabilities => {
    return (label) =>
      tf.tidy(() => tf.logSoftmax(classifier.apply(transformer.applyToAll(x, label), 'infer') as tf.Tensor2D));
  };
  const scoreBy = (name: string, logProbabilities: LogProbabilities): tf.Tensor1D => {
    switch (name as ScoreName) {
      case 'dirichlet': {
        const { data } = fittedContent(alpha, "geotrans' score 'dirichlet'");
        return dirichletScore(tf.tensor2d(data, [count, count]), logProbabilities);
      }
      case 'simple':
        return simpleScore(allLabels(count), logProbabilities);
      case 'turns':
        return simpleScore(allLabels(4), logProbabilities);
      default:
        throw new AdctlError(`geotrans has no score '${name}'`, { code: 'unknown_score', kind: 'bug' });
    }
  };

  return {
    networks: { classifier },
    optimizers: { classifier: optimizer },
    buffers: { alpha, order },

    trainStep(images, { epoch, positions }) {
      return tf.tidy(() => {
        const pixels = toNetworkPixels(images);
        const labels = tf.tensor1d(drawLabels(positions, { seed: order.read().data[0]!, pass: epoch, count }), 'int32');
        const x = transformer.applyEach(pixels, labels);
        return minimize(optimizer, () => {
          const logits = classifier.apply(x, 'train+update') as tf.Tensor2D;
          const terms = {
            crossEntropy: crossEntropy(logits, labels),
            weightPenalty: weightTerm(classifier, h.weightDecay),
          };
          const accuracy = tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32')) as tf.Scalar;
          return { ...terms, accuracy, total: tf.add(terms.crossEntropy, terms.weightPenalty) as tf.Scalar };
        });
      });
    },

    async fit({ train, calibration, signal }: FittingImages) {
      const images = h.dirichletFit === 'train' ? train : calibration;
      const sum = createStatisticsSum(count);
      for (const [start, end] of chunkRanges(images.count, imagesAtOnce(input))) {
        signal.throwIfAborted();
        const batch = await images.read(Int32Array.from({ length: end - start }, (_, i) => start + i));
        const x = tf.tidy(() => toNetworkPixels(batch));
        await sum.add(logProbabilitiesOf(x), end - start);
        tf.dispose([batch, x]);
      }
      const data = new Float32Array(count * count);
      for (const [label, statistics] of sum.means().entries()) {
        signal.throwIfAborted();
        data.set(fitDirichlet(statistics).alpha, label * count);
      }
      alpha.write({ shape: [count, count], data });
    },

    ownScore: h.score,
    score: (images, name = h.score) => tf.tidy(() => scoreBy(name, logProbabilitiesOf(toNetworkPixels(images)))),
    scoreAll: (images) =>
      tf.tidy(() => {
        const logProbabilities = remembered(logProbabilitiesOf(toNetworkPixels(images)));
        return Object.fromEntries(SCORE_NAMES.map((name) => [name, scoreBy(name, logProbabilities)]));
      }),

    /** Cross-entropy of each image under one transformation, which goes round with its position. */
    selectionLoss: (images, offset) =>
      tf.tidy(() => {
        const pixels = toNetworkPixels(images);
        const labels = tf.tensor1d(
          Int32Array.from({ length: images.shape[0] }, (_, i) => (offset + i) % count),
          'int32',
        );
        const logits = classifier.apply(transformer.applyEach(pixels, labels), 'infer') as tf.Tensor2D;
        return crossEntropyPerSample(logits, labels);
      }),

    dispose() {
      optimizer.dispose();
      classifier.dispose();
      transformer.dispose();
    },
  };
}
