import { AdctlError } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import type { PassMode } from '../kit/batch-norm.js';
import { assertImageShape } from '../kit/images.js';
import { meanBceOnLogits, meanSquaredError, meanSquaredErrorPerSample } from '../kit/losses.js';
import { minimize } from '../kit/minimize.js';
import { createNetwork, type Network } from '../kit/network.js';
import { randomNormal, randomUniform } from '../kit/random-tensors.js';
import { scalar } from '../kit/scalars.js';
import type { Model, ModelContext, StepPosition } from '../method.js';
import { type Hyperparameters, isMiningEpoch } from './hyperparameters.js';
import { deceptionLoss, discriminationLoss } from './losses.js';
import { mineCodes } from './mining.js';
import { geometryOf, planNetworks } from './networks.js';
import { toInputFrame, toInputPixels, toNetworkPixels } from './pixels.js';

/** The five networks by the paper's roles: En, De, D_l, D_v, C. */
type Networks = Readonly<
  Record<'encoder' | 'decoder' | 'latentDiscriminator' | 'visualDiscriminator' | 'classifier', Network>
>;

/** Draws and decodings of one iteration, computed once, constants for every gradient step. */
interface Batch {
  /** Clean images, `[batch, side, side, channels]` in [-1, 1]. */
  readonly x: tf.Tensor4D;
  /** The same with noise. */
  readonly noisy: tf.Tensor4D;
  /** En(noisy), `[batch, latentSize]`. */
  readonly z: tf.Tensor;
  /** De(z). */
  readonly reconstruction: tf.Tensor;
  /** De(u), u uniform in the cube. */
  readonly fake: tf.Tensor;
  /** u', an independent uniform sample: "real" for D_l. */
  readonly uniform: tf.Tensor;
}

/**
 * OCGAN (Perera et al., CVPR 2019). One iteration (spec 3.3):
 *
 * 1. classifier C: reconstructions against decodings of random codes;
 * 2. discriminators D_l (uniform codes against encodings) and D_v (images against decodings of random codes);
 * 3. in mining epochs, search codes that still decode to something un-normal;
 * 4. encoder and decoder: reconstruct, fill the latent cube, and decode the searched codes to normal-looking images.
 *
 * Batch-normalisation mode of every pass as in spec 3.4.
 */
export function createOcgan(h: Hyperparameters, context: ModelContext): Model {
  const geometry = geometryOf(h, context.input);
  const plans = planNetworks(h, geometry);
  const networks = Object.fromEntries(plans.map((plan) => [plan.name, createNetwork(plan, context)])) as Networks;
  const { encoder, decoder, latentDiscriminator, visualDiscriminator, classifier } = networks;
  // beta1 0.5 and epsilon 1e-8 for all (authors' code); encoder and decoder move together.
  const adam = (...sources: Network[]) =>
    createAdam(sources, { learningRate: h.learningRate, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 });
  const optimizers = {
    classifier: adam(classifier),
    latentDiscriminator: adam(latentDiscriminator),
    visualDiscriminator: adam(visualDiscriminator),
    autoEncoder: adam(encoder, decoder),
  };

  const drawCodes = (count: number) => randomUniform<tf.Rank.R2>(context.generator, [count, h.latentSize], -1, 1);
  const withNoise = (x: tf.Tensor4D) =>
    h.noiseSigma === 0 ? x : tf.add(x, tf.mul(randomNormal(context.generator, x.shape), scalar(h.noiseSigma)));

  const drawBatch = (images: tf.Tensor4D): Batch => {
    const x = toNetworkPixels(images, geometry);
    const noisy = withNoise(x) as tf.Tensor4D;
    const z = encoder.apply(noisy, 'train');
    return {
      x,
      noisy,
      z,
      reconstruction: decoder.apply(z, 'train'),
      fake: decoder.apply(drawCodes(x.shape[0]), 'train'),
      uniform: drawCodes(x.shape[0]),
    };
  };

  /** L_C moves C only. */
  const classifierStep = ({ reconstruction, fake }: Batch) =>
    minimize(optimizers.classifier, () => ({
      total: discriminationLoss(
        classifier.apply(reconstruction, 'train+update'),
        classifier.apply(fake, 'train+update'),
      ),
    }));

  /** L_Dl + L_Dv move D_l and D_v only; D_v never sees reconstructions. */
  const discriminatorStep = ({ x, z, fake, uniform }: Batch) =>
    minimize([optimizers.latentDiscriminator, optimizers.visualDiscriminator], () => {
      const latent = discriminationLoss(
        latentDiscriminator.apply(uniform, 'train+update'),
        latentDiscriminator.apply(z, 'train+update'),
      );
      const visual = discriminationLoss(
        visualDiscriminator.apply(x, 'train+update'),
        visualDiscriminator.apply(fake, 'train+update'),
      );
      return { total: tf.add(latent, visual), latent, visual };
    });

  const mine = (start: tf.Tensor2D) =>
    mineCodes(start, (codes) => classifier.apply(decoder.apply(codes, 'train'), 'train'), h);

  /**
   * L_AE moves En and De only. A term of weight 0 is left out, so that `wLatent = wVisual = 0` is a plain denoising
   * auto-encoder; the reconstruction stays, because every variable must have a gradient.
   */
  const autoEncoderStep = ({ x, noisy }: Batch, codes: tf.Tensor2D, isMining: boolean) =>
    minimize(optimizers.autoEncoder, () => {
      const z = encoder.apply(noisy, 'train+update');
      const reconstruction = meanSquaredError(x, decoder.apply(z, 'train+update'));
      let total = tf.mul(reconstruction, scalar(h.lambdaRec));
      const terms: Record<string, tf.Scalar> = { reconstruction };
      if (h.wLatent > 0) {
        terms['latentDeception'] = deceptionLoss(latentDiscriminator.apply(z, 'train'));
        total = tf.add(total, tf.mul(terms['latentDeception'], scalar(h.wLatent)));
      }
      if (h.wVisual > 0) {
        const decoded = decoder.apply(codes, 'train');
        terms['visualDeception'] = deceptionLoss(visualDiscriminator.apply(decoded, 'train'));
        total = tf.add(total, tf.mul(terms['visualDeception'], scalar(h.wVisual)));
        if (isMining) terms['mineAfter'] = meanBceOnLogits(classifier.apply(decoded, 'train'), 0);
      }
      return { ...terms, total } as Record<string, tf.Scalar> & { total: tf.Scalar };
    });

  /** One fixed noise image for the authors' noisy test, so that a score does not depend on the batch (spec 4). */
  const testNoise =
    h.testNoiseSigma === 0
      ? null
      : tf.keep(
          tf.tidy(() =>
            tf.mul(
              randomNormal(createGenerator(context.seed, 'test-noise'), [
                1,
                geometry.side,
                geometry.side,
                geometry.channels,
              ]),
              scalar(h.testNoiseSigma),
            ),
          ),
        );

  const autoEncode = (x: tf.Tensor, mode: PassMode) => decoder.apply(encoder.apply(x, mode), mode) as tf.Tensor4D;
  /** Network pixels and what they are rebuilt to from the (by default clean) input. */
  const rebuild = (images: tf.Tensor4D) => {
    assertImageShape(images, context.input);
    const x = toNetworkPixels(images, geometry);
    return { x, rebuilt: autoEncode(testNoise === null ? x : tf.add(x, testNoise), 'infer') };
  };
  /** Minus the logit: discriminators and classifier say how normal an image is. */
  const doubt = (judge: Network, pixels: tf.Tensor) =>
    tf.reshape(tf.neg(judge.apply(pixels, 'infer')), [-1]) as tf.Tensor1D;

  return {
    networks,
    optimizers,
    trainStep(images, { epoch }: StepPosition) {
      assertImageShape(images, context.input);
      return tf.tidy(() => {
        const batch = drawBatch(images);
        const c = classifierStep(batch);
        const d = discriminatorStep(batch);
        const start = drawCodes(images.shape[0]);
        const isMining = isMiningEpoch(h, epoch) && h.wVisual > 0;
        const mined = isMining ? mine(start) : null;
        const ae = autoEncoderStep(batch, mined?.codes ?? start, isMining);
        const { mean } = tf.moments(batch.z);
        d.total.dispose();
        return {
          classifier: c.total,
          latentDiscriminator: d.latent,
          visualDiscriminator: d.visual,
          ...ae,
          // Approaches 0.577, the deviation of U(-1, 1), when codes fill the cube (spec 8).
          codeDeviation: tf.sqrt(tf.mean(tf.squaredDifference(batch.z, mean))),
          ...(mined === null ? {} : { mineBefore: mined.before }),
        };
      });
    },
    score(images, name = h.score) {
      return tf.tidy(() => {
        const { x, rebuilt } = rebuild(images);
        switch (name) {
          case 'dv_recon':
            return doubt(visualDiscriminator, rebuilt);
          case 'dv_input':
            return doubt(visualDiscriminator, x);
          case 'classifier_recon':
            return doubt(classifier, rebuilt);
          case 'mse':
            return meanSquaredErrorPerSample(x, rebuilt);
          default:
            throw new AdctlError(`ocgan has no score '${name}'`, { code: 'unknown_score', kind: 'bug' });
        }
      });
    },
    /** Noisy input, clean target, the same noise at every call (spec 3.6). */
    selectionLoss(images, offset) {
      assertImageShape(images, context.input);
      return tf.tidy(() => {
        const x = toNetworkPixels(images, geometry);
        const noise = randomNormal(createGenerator(context.seed, 'selection-noise', offset), x.shape);
        return meanSquaredErrorPerSample(x, autoEncode(tf.add(x, tf.mul(noise, scalar(h.noiseSigma))), 'infer'));
      });
    },
    anomalyMap(images) {
      return tf.tidy(() => {
        const { x, rebuilt } = rebuild(images);
        const error = tf.mean(tf.squaredDifference(x, rebuilt), 3, true) as tf.Tensor4D;
        return tf.squeeze(toInputFrame(error, context.input, geometry), [3]) as tf.Tensor3D;
      });
    },
    reconstruct: (images) => tf.tidy(() => toInputPixels(rebuild(images).rebuilt, context.input, geometry)),
    dispose() {
      for (const optimizer of Object.values(optimizers)) optimizer.dispose();
      for (const network of Object.values(networks)) network.dispose();
      testNoise?.dispose();
    },
  };
}
