import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { assertImageShape } from '../kit/images.js';
import { minimize } from '../kit/minimize.js';
import { createNetwork } from '../kit/network.js';
import type { ModelContext, SteppingModel } from '../method.js';
import { corrupt } from './corruption.js';
import type { Hyperparameters } from './hyperparameters.js';
import { crossEntropyTerm, sparsityTerm, squaredErrorTerm, weightTerm } from './losses.js';
import { LOGITS_LAYER, planNetworks } from './networks.js';
import type { ScoreReduction } from './score-names.js';
import { errorMap, reduceMap, smoothMap } from './scores.js';

/**
 * (Denoising) autoencoder. Training step: corrupt x to x~, then one Adam update of encoder and decoder on
 * `J = reconstruction(x, De(En(x~))) + weight penalty [+ sparsity]`. Scoring always uses the uncorrupted image.
 */
export function createDae(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input, generator } = context;
  const [encoderPlan, decoderPlan] = planNetworks(h, input);
  const encoder = createNetwork(encoderPlan, context);
  const decoder = createNetwork(decoderPlan, { ...context, tied: [encoder] });
  // Epsilon is the spec's; the moments decay as Adam's authors propose.
  const optimizer = createAdam([encoder, decoder], {
    learningRate: h.learningRate,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
  });

  const reconstruct = (images: tf.Tensor4D) => decoder.apply(encoder.apply(images, 'infer'), 'infer') as tf.Tensor4D;

  /** The loss of clean images given their corrupted copies; every term is a scalar. */
  const lossTerms = (images: tf.Tensor4D, corrupted: tf.Tensor4D) => {
    const code = encoder.apply(corrupted, 'train+update');
    const reconstruction =
      h.loss === 'bce'
        ? crossEntropyTerm(images, decoder.apply(code, 'train+update', LOGITS_LAYER))
        : squaredErrorTerm(images, decoder.apply(code, 'train+update'));
    const terms: Record<string, tf.Scalar> = { reconstruction };
    if (h.weightDecay > 0) terms.weightPenalty = weightTerm([encoder, decoder], h.weightDecay);
    if (h.sparsityWeight > 0) terms.sparsity = sparsityTerm(code, h.sparsityTarget, h.sparsityWeight);
    const parts = Object.values(terms);
    return { ...terms, total: parts.length === 1 ? reconstruction : (tf.addN(parts) as tf.Scalar) };
  };

  return {
    networks: { encoder, decoder },
    optimizers: { autoencoder: optimizer },

    trainStep(images) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const corrupted = corrupt(images, h, generator);
        return minimize(optimizer, () => lossTerms(images, corrupted));
      });
    },

    ownScore: h.scoreReduction,
    score(images, name = h.scoreReduction) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const map = errorMap(images, reconstruct(images));
        // Smoothing spreads the map without changing what it holds in total, so the mean is taken of the plain map.
        return reduceMap(h.smoothMap && name !== 'mean' ? smoothMap(map) : map, name as ScoreReduction);
      });
    },

    selectionLoss(images) {
      assertImageShape(images, input);
      return tf.tidy(() => reduceMap(errorMap(images, reconstruct(images)), 'mean'));
    },

    anomalyMap(images) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const map = errorMap(images, reconstruct(images));
        return h.smoothMap ? smoothMap(map) : map;
      });
    },

    reconstruct(images) {
      assertImageShape(images, input);
      return tf.tidy(() => tf.clipByValue(reconstruct(images), 0, 1));
    },

    dispose() {
      optimizer.dispose();
      encoder.dispose();
      decoder.dispose();
    },
  };
}
