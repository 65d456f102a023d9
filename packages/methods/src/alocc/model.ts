import { AdctlError } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { assertImageShape, fromSigned, toSigned } from '../kit/images.js';
import { meanSquaredErrorPerSample } from '../kit/losses.js';
import { createNetwork, type Network } from '../kit/network.js';
import { createRmsProp } from '../kit/rms-prop.js';
import type { ModelContext, SteppingModel } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { SCORE_NAMES, type ScoreName } from './score-names.js';
import { addNoise, createSteps } from './steps.js';

/**
 * ALOCC (Sabokrou et al., CVPR 2018). One iteration: noise on the images; one step of the discriminator D on images against
 * reconstructions; one or more steps of the reconstructor R, which rebuilds the clean image and deceives D. The score is how
 * little D takes R(x) for an image of the class: in equilibrium D answers 1/2 to everything, so it depends on when training
 * stops and may invert between two epochs.
 */
export function createAlocc(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input } = context;
  const [reconstructorPlan, discriminatorPlan] = planNetworks(h, input);
  const networks = {
    reconstructor: createNetwork(reconstructorPlan, context),
    discriminator: createNetwork(discriminatorPlan, context),
  };
  const { reconstructor, discriminator } = networks;
  const optimizerOf = (network: Network, learningRate: number) =>
    h.optimizer === 'adam'
      ? createAdam([network], { learningRate, beta1: 0.5, beta2: 0.999 })
      : createRmsProp([network], { learningRate, decay: 0.9, epsilon: 1e-10, initialMeanSquare: 1 });
  const optimizers = {
    reconstructor: optimizerOf(reconstructor, h.learningRate),
    discriminator: optimizerOf(discriminator, h.learningRate * h.discLrRatio),
  };
  const steps = createSteps(h, { networks, optimizers });
  const testMode = h.bnAtTest === 'moving' ? 'infer' : 'train';

  const toNetworkPixels = (images: tf.Tensor4D) => {
    assertImageShape(images, input);
    return toSigned(images);
  };
  /** Minus D's logit: probabilities saturate to ties, logits do not. */
  const doubt = (x: tf.Tensor) => tf.reshape(tf.neg(discriminator.apply(x, testMode)), [-1]) as tf.Tensor1D;
  /** No noise at test time. */
  const rebuild = (x: tf.Tensor) => reconstructor.apply(x, testMode);
  const scoreBy = (name: string, x: tf.Tensor, rebuilt: () => tf.Tensor): tf.Tensor1D => {
    switch (name as ScoreName) {
      case 'drx':
        return doubt(rebuilt());
      case 'dx':
        return doubt(x);
      case 'rec':
        return meanSquaredErrorPerSample(x, rebuilt());
      default:
        throw new AdctlError(`alocc has no score '${name}'`, { code: 'unknown_score', kind: 'bug' });
    }
  };

  return {
    networks,
    optimizers,

    trainStep: (images) =>
      tf.tidy(() => {
        const clean = toNetworkPixels(images);
        const target = { clean, noisy: addNoise(clean, h.noiseSigma, context.generator) };
        const { total: discriminatorLoss } = steps.discriminatorStep(target);
        let terms = steps.reconstructorStep(target);
        for (let repeat = 1; repeat < h.reconstructorSteps; repeat++) {
          tf.dispose(terms);
          terms = steps.reconstructorStep(target);
        }
        const { total, ...parts } = terms;
        return { ...parts, reconstructor: total, discriminator: discriminatorLoss };
      }),

    ownScore: h.score,
    score: (images, name = h.score) =>
      tf.tidy(() => {
        const x = toNetworkPixels(images);
        return scoreBy(name, x, () => rebuild(x));
      }),
    scoreAll: (images) =>
      tf.tidy(() => {
        const x = toNetworkPixels(images);
        const rebuilt = rebuild(x);
        return Object.fromEntries(SCORE_NAMES.map((name) => [name, scoreBy(name, x, () => rebuilt)]));
      }),

    /** Squared error a pixel in [-1, 1], noisy input to clean target, the same noise at every call: the stopping rule. */
    selectionLoss: (images, offset) =>
      tf.tidy(() => {
        const x = toNetworkPixels(images);
        const noisy = addNoise(x, h.noiseSigma, createGenerator(context.seed, 'selection-noise', offset));
        return meanSquaredErrorPerSample(x, reconstructor.apply(noisy, 'infer'));
      }),

    reconstruct: (images) => tf.tidy(() => fromSigned(rebuild(toNetworkPixels(images)) as tf.Tensor4D)),

    dispose() {
      for (const optimizer of Object.values(optimizers)) optimizer.dispose();
      for (const network of Object.values(networks)) network.dispose();
    },
  };
}
