import { AdctlError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { chunkRanges } from '../kit/batching.js';
import { createBuffer, fittedContent } from '../kit/buffers.js';
import { assertImageShape, fromSigned } from '../kit/images.js';
import { discriminationLoss, meanBceOnLogits } from '../kit/losses.js';
import { minimize } from '../kit/minimize.js';
import { mirrorHalf } from '../kit/mirror.js';
import { createNetwork, type Network } from '../kit/network.js';
import type { Optimizer } from '../kit/optimizer.js';
import { scalar } from '../kit/scalars.js';
import { smoothMaps } from '../kit/smooth-maps.js';
import type { FittingImages, ModelContext, SteppingModel } from '../method.js';
import { fuseMaps, fuseMeans, fusionWeights } from './fusion.js';
import type { Hyperparameters } from './hyperparameters.js';
import { hiddenError, reconstructionLoss, whiten } from './losses.js';
import { chooseMasks, drawMasks, stripeMasks } from './masks.js';
import { frameOf, planNetworks } from './networks.js';
import { fromFrame, toFrame } from './pixels.js';
import { type Fill, fillAverage, scaleMaps } from './restoration.js';
import { SCORE_NAMES, type ScaleFusion } from './score-names.js';
import { createSpectralNetwork, type SpectralNetwork } from './spectral-norm.js';

/** The judge of the adversarial term and what moves it. */
interface Adversary {
  readonly network: Network;
  readonly spectral: SpectralNetwork;
  readonly optimizer: Optimizer;
}

/**
 * SCADN (Yan et al., AAAI 2021). Training step: hide stripes, fill them, and move the generator along
 * `L_rec + adversarialWeight L_adv`, then the discriminator along L_D, both from the weights before the step. Scoring: fill
 * every pixel under the vertical and horizontal stripes of every scale and compare.
 */
export function createScadn(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input, generator: chance } = context;
  const frame = frameOf(input);
  const [generatorPlan, discriminatorPlan] = planNetworks(h, input);
  const generator = createNetwork(generatorPlan!, context);
  // Moments as in the authors' code.
  const adam = (network: Network, learningRate: number) =>
    createAdam([network], { learningRate, beta1: 0, beta2: 0.9, epsilon: 1e-8 });
  const optimizer = adam(generator, h.learningRate);
  const adversary = discriminatorPlan === undefined ? null : createAdversary();
  const masks = tf.keep(stripeMasks(frame, h.stripes));
  const usualErrors = createBuffer();

  function createAdversary(): Adversary {
    const network = createNetwork(discriminatorPlan!, context);
    const spectral = createSpectralNetwork(network, context.seed);
    return { network, spectral, optimizer: adam(network, h.learningRate * h.discriminatorRatio) };
  }

  /** `o = (tanh + 1) / 2` of what the generator makes of the image with its hidden pixels white. */
  const fill: Fill = (x, hidden) => {
    const shown = whiten(x, hidden);
    const seen = h.maskChannel ? tf.concat([shown, hidden], 3) : shown;
    return fromSigned(generator.apply(seen, 'train') as tf.Tensor4D);
  };

  /** One generator step; `filled` is what the generator made before it. */
  const generatorStep = (x: tf.Tensor4D, hidden: tf.Tensor4D, judge?: (pictures: tf.Tensor4D) => tf.Tensor) => {
    let filled: tf.Tensor4D | undefined;
    const terms = minimize(optimizer, () => {
      filled = tf.keep(fill(x, hidden));
      const reconstruction = reconstructionLoss(x, filled, hidden, h.hiddenWeight);
      if (judge === undefined) return { reconstruction, total: reconstruction.clone() } as GeneratorTerms;
      const deception = meanBceOnLogits(judge(filled), 1);
      const total = tf.add(reconstruction, tf.mul(deception, scalar(h.adversarialWeight))) as tf.Scalar;
      return { reconstruction, deception, total } as GeneratorTerms;
    });
    return { terms, filled: filled! };
  };

  const adversarialStep = (x: tf.Tensor4D, hidden: tf.Tensor4D, { spectral, optimizer: moveJudge }: Adversary) => {
    // Each of the three passes through the discriminator makes a power iteration; its weights are the same in all three.
    const [forReal, forFilled, forGenerator] = [spectral.iterate(), spectral.iterate(), spectral.iterate()];
    const { terms, filled } = generatorStep(x, hidden, (pictures) => spectral.apply(pictures, forGenerator));
    const { total: discriminator } = minimize(moveJudge, () => ({
      total: discriminationLoss(spectral.apply(x, forReal), spectral.apply(filled, forFilled)),
    }));
    filled.dispose();
    return { ...terms, discriminator };
  };

  /** Maps of all scales, `[batch, scales, height, width]`, without the frame, and their means. */
  const measure = (images: tf.Tensor4D) => {
    assertImageShape(images, input);
    const framed = scaleMaps(fill, toFrame(images, frame), masks);
    const pictures = tf.reshape(framed, [-1, frame.height, frame.width, 1]) as tf.Tensor4D;
    const shape: [number, number, number, number] = [-1, h.stripes.length, input.height, input.width];
    const maps = tf.reshape(fromFrame(pictures, input), shape) as tf.Tensor4D;
    return { maps, means: tf.mean(maps, [2, 3]) as tf.Tensor2D };
  };
  const usual = () => [...fittedContent(usualErrors, "scadn's usual error of each scale").data];

  return {
    networks: adversary === null ? { generator } : { generator, discriminator: adversary.network },
    optimizers:
      adversary === null ? { generator: optimizer } : { generator: optimizer, discriminator: adversary.optimizer },
    buffers: { usualErrors, ...adversary?.spectral.buffers },

    trainStep(images) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const x = toFrame(h.flip ? mirrorHalf(images, chance) : images, frame);
        const hidden = drawMasks(masks, x.shape[0], chance);
        if (adversary !== null) return adversarialStep(x, hidden, adversary);
        const { terms, filled } = generatorStep(x, hidden);
        filled.dispose();
        return terms;
      });
    },

    /** mu_s: the mean of map_s over training images and pixels. */
    async fit({ train, signal }: FittingImages) {
      const count = h.meanImages === 0 ? train.count : Math.min(h.meanImages, train.count);
      const positions = Int32Array.from({ length: count }, (_, i) => Math.floor((i * train.count) / count));
      const sums = new Float64Array(h.stripes.length);
      for (const [start, end] of chunkRanges(count, FITTING_BATCH)) {
        signal.throwIfAborted();
        const images = await train.read(positions.subarray(start, end));
        const totals = tf.tidy(() => tf.sum(measure(images).means, 0).dataSync());
        images.dispose();
        for (const [scale, total] of totals.entries()) sums[scale]! += total;
      }
      usualErrors.write({ shape: [sums.length], data: Float32Array.from(sums, (sum) => sum / count) });
    },

    ownScore: h.scaleFusion,
    score(images, name = h.scaleFusion) {
      return tf.tidy(() => {
        const { means } = measure(images);
        return fuseMeans(means, fusionWeights(means, toFusion(name), usual));
      });
    },

    scoreAll(images) {
      return tf.tidy(() => {
        const { means } = measure(images);
        return Object.fromEntries(
          SCORE_NAMES.map((name) => [name, fuseMeans(means, fusionWeights(means, name, usual))]),
        );
      });
    },

    /** The authors' criterion, on one mask per image that its position decides. */
    selectionLoss(images, offset) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const x = toFrame(images, frame);
        const indices = Int32Array.from({ length: x.shape[0] }, (_, i) => (offset + i) % masks.shape[0]);
        const hidden = chooseMasks(masks, indices);
        return hiddenError(x, fill(x, hidden), hidden);
      });
    },

    anomalyMap(images) {
      return tf.tidy(() => {
        const { maps, means } = measure(images);
        const map = fuseMaps(maps, fusionWeights(means, h.scaleFusion, usual));
        return h.mapBlur ? smoothMaps(map, Math.min(input.height, input.width) / 64) : map;
      });
    },

    /** Every pixel as the generator fills it where it is hidden, averaged over the masks that hide it. */
    reconstruct(images) {
      assertImageShape(images, input);
      return tf.tidy(() => fromFrame(fillAverage(fill, toFrame(images, frame), masks), input));
    },

    dispose() {
      masks.dispose();
      optimizer.dispose();
      generator.dispose();
      if (adversary === null) return;
      adversary.optimizer.dispose();
      adversary.spectral.dispose();
      adversary.network.dispose();
    },
  };
}

type GeneratorTerms = Record<string, tf.Scalar> & { total: tf.Scalar };

/** Images of one read while the usual errors are measured. */
const FITTING_BATCH = 64;

function toFusion(name: string): ScaleFusion {
  const fusion = SCORE_NAMES.find((known) => known === name);
  if (fusion !== undefined) return fusion;
  throw new AdctlError(`scadn has no score '${name}'`, { code: 'unknown_score', kind: 'bug' });
}
