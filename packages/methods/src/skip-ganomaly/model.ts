import { AdctlError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { chunkRanges } from '../kit/batching.js';
import { createBuffer } from '../kit/buffers.js';
import { assertImageShape, fromSigned } from '../kit/images.js';
import { meanPerSample } from '../kit/losses.js';
import { createNetwork, type Network } from '../kit/network.js';
import { smoothMaps } from '../kit/smooth-maps.js';
import type { FittingImages, ModelBuffer, ModelContext, SteppingModel } from '../method.js';
import { geometryOf } from './geometry.js';
import type { Hyperparameters } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { type Pass, runDiscriminator, runGenerator } from './passes.js';
import { toInputFrame, toNetworkPixels } from './pixels.js';
import { SCORE_NAMES, type ScoreName } from './score-names.js';
import { latentScore, mixScores, reconstructionScore } from './scores.js';
import { createSteps } from './steps.js';

/** R and L of some images, `[batch]` each. */
interface Parts {
  reconstruction(): tf.Tensor1D;
  latent(): tf.Tensor1D;
}

/** Held-out images measured at once. */
const CHUNK = 256;

/** What the parts of a standardised score are divided by: 1 before `fit`, so that epochs can be measured as well. */
function createScales(): ModelBuffer {
  const scales = createBuffer();
  scales.write({ shape: [2], data: Float32Array.of(1, 1) });
  return scales;
}

/**
 * Skip-GANomaly (Akçay et al., IJCNN 2019). One iteration, in the order of the authors' code:
 *
 * 1. x^ = G(x), D(x) and D(x^) as separate passes, all in training mode, all moving their averages;
 * 2. one step of the generator on L_G;
 * 3. one step of the discriminator on L_D, with the x^ of before;
 * 4. a discriminator whose loss has collapsed starts afresh.
 *
 * Scoring uses moving averages or each image's own statistics, never those of a batch of test images.
 */
export function createSkipGanomaly(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input } = context;
  const { levels } = geometryOf(input);
  const [generatorPlan, discriminatorPlan] = planNetworks(h, input);
  const generator = createNetwork(generatorPlan, context);
  const discriminator = createNetwork(discriminatorPlan, context);
  const networks = { generator, discriminator };
  const adam = (network: Network) =>
    createAdam([network], { learningRate: h.learningRate, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 });
  const optimizers = { generator: adam(generator), discriminator: adam(discriminator) };
  const steps = createSteps(h, { networks, optimizers, generator: context.generator, levels });
  const pass: Pass = h.bnEval === 'running' ? 'infer' : 'instance';

  /** Network pixels and what G makes of them. */
  const rebuild = (images: tf.Tensor4D) => {
    assertImageShape(images, input);
    const x = toNetworkPixels(images, h.resize);
    return { x, rebuilt: runGenerator(generator, x, { pass, levels, skipLevels: h.skipLevels }) };
  };
  const latentOf = (x: tf.Tensor, rebuilt: tf.Tensor) =>
    latentScore(
      runDiscriminator(discriminator, x, pass).feature,
      runDiscriminator(discriminator, rebuilt, pass).feature,
    );
  const scales = createScales();
  const mix = ({ reconstruction, latent }: Parts, lambda: number) => {
    if (!h.standardise) return mixScores(reconstruction(), latent(), lambda);
    const [meanReconstruction, meanLatent] = scales.read().data;
    return mixScores(tf.div(reconstruction(), meanReconstruction!), tf.div(latent(), meanLatent!), lambda);
  };
  const scoreBy = (name: string, parts: Parts): tf.Tensor1D => {
    switch (name as ScoreName) {
      case 'reconstruction':
        return parts.reconstruction();
      case 'latent':
        return parts.latent();
      case 'even':
        return mix(parts, 0.5);
      case 'anomaly':
        return mix(parts, h.scoreLambda);
      default:
        throw new AdctlError(`skip-ganomaly has no score '${name}'`, { code: 'unknown_score', kind: 'bug' });
    }
  };
  /** Parts that compute each of R and L at most once, and only when asked. */
  const partsOf = (images: tf.Tensor4D): Parts => {
    const { x, rebuilt } = rebuild(images);
    let [reconstruction, latent]: (tf.Tensor1D | undefined)[] = [];
    return {
      reconstruction: () => (reconstruction ??= reconstructionScore(x, rebuilt, h.scoreNorm)),
      latent: () => (latent ??= latentOf(x, rebuilt)),
    };
  };

  /** Means of both parts of the score over held-out normal images. */
  const fitScales = async ({ calibration, signal }: FittingImages) => {
    const sums = [0, 0];
    for (const [start, end] of chunkRanges(calibration.count, CHUNK)) {
      signal.throwIfAborted();
      const images = await calibration.read(Int32Array.from({ length: end - start }, (_, i) => start + i));
      const parts = tf.tidy(() => {
        const { x, rebuilt } = rebuild(images);
        return tf.stack([tf.sum(reconstructionScore(x, rebuilt, h.scoreNorm)), tf.sum(latentOf(x, rebuilt))]);
      });
      for (const [i, sum] of (await parts.data()).entries()) sums[i]! += sum;
      tf.dispose([images, parts]);
    }
    scales.write({ shape: [2], data: Float32Array.from(sums, (sum) => sum / calibration.count) });
  };

  return {
    networks,
    optimizers,
    ...(h.standardise ? { buffers: { scales }, fit: fitScales } : {}),

    trainStep(images) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const x = toNetworkPixels(images, h.resize);
        const { terms, rebuilt } = steps.generatorStep(x);
        const { total: discriminatorLoss } = steps.discriminatorStep(x, rebuilt);
        rebuilt.dispose();
        const { total, ...parts } = terms;
        const isReset = steps.resetCollapsed(discriminatorLoss);
        return {
          ...parts,
          generator: total,
          discriminator: discriminatorLoss,
          discriminatorReset: tf.scalar(isReset ? 1 : 0),
        };
      });
    },

    ownScore: 'anomaly',
    score: (images, name = 'anomaly') => tf.tidy(() => scoreBy(name, partsOf(images))),
    scoreAll: (images) =>
      tf.tidy(() => {
        const parts = partsOf(images);
        return Object.fromEntries(SCORE_NAMES.map((name) => [name, tf.clone(scoreBy(name, parts))]));
      }),

    /** L_con of every image. */
    selectionLoss: (images) =>
      tf.tidy(() => {
        const { x, rebuilt } = rebuild(images);
        return meanPerSample(tf.abs(tf.sub(x, rebuilt)));
      }),

    anomalyMap: (images) =>
      tf.tidy(() => {
        const { x, rebuilt } = rebuild(images);
        const error = tf.mean(tf.squaredDifference(x, rebuilt), 3, true) as tf.Tensor4D;
        const map = tf.squeeze<tf.Tensor3D>(toInputFrame(error, input, h.resize), [3]);
        return h.smoothMap ? smoothMaps(map, Math.min(input.height, input.width) / 64) : map;
      }),

    reconstruct: (images) => tf.tidy(() => fromSigned(toInputFrame(rebuild(images).rebuilt, input, h.resize))),

    dispose() {
      for (const optimizer of Object.values(optimizers)) optimizer.dispose();
      for (const network of Object.values(networks)) network.dispose();
    },
  };
}
