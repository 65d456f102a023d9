import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import type { PassMode } from '../kit/batch-norm.js';
import { assertImageShape, fromSigned, toSigned } from '../kit/images.js';
import { meanSquaredError, meanSquaredErrorPerSample } from '../kit/losses.js';
import { minimize } from '../kit/minimize.js';
import { createNetwork } from '../kit/network.js';
import { scalar } from '../kit/scalars.js';
import { smoothMaps } from '../kit/smooth-maps.js';
import type { ModelContext, SteppingModel } from '../method.js';
import type { Addressing } from './addressing.js';
import { type Hyperparameters, thresholdOf } from './hyperparameters.js';
import { entropyTerm } from './losses.js';
import { readMemory } from './memory.js';
import { monitorTerms } from './monitor.js';
import { planNetworks, SLOTS_LAYER } from './networks.js';
import { SCORE_NAMES, type ScoreName } from './score-names.js';
import { type Recollection, scoreRecollection } from './scores.js';

/**
 * Memory-augmented autoencoder (Gong et al., ICCV 2019). Training step: one Adam update of encoder, memory and decoder
 * on `mean (x - x^)^2 + alpha * mean E(w^)`, x^ = De(w^ M). The decoder never sees the latent z itself.
 */
export function createMemae(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input } = context;
  const [encoderPlan, memoryPlan, decoderPlan] = planNetworks(h, input);
  const encoder = createNetwork(encoderPlan, context);
  const memory = createNetwork(memoryPlan, context);
  const decoder = createNetwork(decoderPlan, context);
  const slots = memory.variable(SLOTS_LAYER, 'kernel') as tf.Tensor as tf.Tensor2D;
  const addressing: Addressing = {
    similarity: h.addressing,
    temperature: h.temperature,
    threshold: thresholdOf(h),
    deadPolicy: h.deadPolicy,
  };
  // Betas and epsilon as PyTorch has them, whose defaults the authors' code uses.
  const optimizer = createAdam([encoder, memory, decoder], {
    learningRate: h.learningRate,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
  });

  /** x^, with everything a loss or score looks at on the way. */
  const recollect = (images: tf.Tensor4D, mode: PassMode) => {
    const latent = encoder.apply(images, mode);
    const queries = tf.reshape(latent, [-1, slots.shape[1]]) as tf.Tensor2D;
    const read = readMemory(queries, slots, addressing);
    const reconstructions = decoder.apply(tf.reshape(read.values, latent.shape), mode) as tf.Tensor4D;
    return { ...read, images, reconstructions, queries, slots } satisfies Recollection;
  };
  const recollectPixels = (images: tf.Tensor4D) => {
    assertImageShape(images, input);
    return recollect(toSigned(images), 'infer');
  };

  return {
    networks: { encoder, memory, decoder },
    optimizers: { autoencoder: optimizer },

    trainStep(images) {
      assertImageShape(images, input);
      return tf.tidy(() =>
        minimize(optimizer, () => {
          const seen = recollect(toSigned(images), 'train+update');
          const reconstruction = meanSquaredError(seen.images, seen.reconstructions);
          const entropy = entropyTerm(seen.weights);
          const total =
            h.entropyWeight === 0
              ? reconstruction.clone()
              : tf.add<tf.Scalar>(reconstruction, tf.mul(entropy, scalar(h.entropyWeight)));
          return { total, reconstruction, entropy, ...monitorTerms(seen) };
        }),
      );
    },

    ownScore: h.score,
    score: (images, name = h.score) => tf.tidy(() => scoreRecollection(recollectPixels(images), name as ScoreName)),
    scoreAll: (images) =>
      tf.tidy(() => {
        const seen = recollectPixels(images);
        return Object.fromEntries(SCORE_NAMES.map((name) => [name, scoreRecollection(seen, name)]));
      }),

    selectionLoss: (images) =>
      tf.tidy(() => {
        const seen = recollectPixels(images);
        return meanSquaredErrorPerSample(seen.images, seen.reconstructions);
      }),

    anomalyMap: (images) =>
      tf.tidy(() => {
        const seen = recollectPixels(images);
        const map = tf.mean<tf.Tensor3D>(tf.squaredDifference(seen.images, seen.reconstructions), 3);
        return h.smoothMap ? smoothMaps(map, Math.min(input.height, input.width) / 64) : map;
      }),

    reconstruct: (images) =>
      tf.tidy(() => tf.clipByValue(fromSigned(recollectPixels(images).reconstructions), 0, 1) as tf.Tensor4D),

    dispose() {
      optimizer.dispose();
      for (const network of [encoder, memory, decoder]) network.dispose();
    },
  };
}
