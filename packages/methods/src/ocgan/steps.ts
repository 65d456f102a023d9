import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { discriminationLoss, meanBceOnLogits, meanSquaredError } from '../kit/losses.js';
import { minimize } from '../kit/minimize.js';
import type { Network } from '../kit/network.js';
import type { Optimizer } from '../kit/optimizer.js';
import { randomNormal, randomUniform } from '../kit/random-tensors.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';
import { deceptionLoss } from './losses.js';
import { mineCodes } from './mining.js';
import type { Geometry } from './networks.js';
import { toNetworkPixels } from './pixels.js';

/** The five networks by the paper's roles: En, De, D_l, D_v, C. */
export type Networks = Readonly<
  Record<'encoder' | 'decoder' | 'latentDiscriminator' | 'visualDiscriminator' | 'classifier', Network>
>;

/** Draws and decodings of one iteration, computed once, constants for every gradient step. */
export interface Batch {
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

/** One optimizer for each of the networks that move together; encoder and decoder are one. */
export type Optimizers = Readonly<
  Record<'classifier' | 'latentDiscriminator' | 'visualDiscriminator' | 'autoEncoder', Optimizer>
>;

/** What the gradient steps work with. */
export interface StepParts {
  readonly networks: Networks;
  readonly optimizers: Optimizers;
  readonly generator: RandomGenerator;
  readonly geometry: Geometry;
}

/**
 * The parts of one iteration (spec 3.2, 3.3), each moving only the networks it names. Tensors they return belong to the
 * surrounding tidy, except the loss terms of `minimize`, which the caller disposes.
 */
export function createSteps(h: Hyperparameters, { networks, optimizers, generator, geometry }: StepParts) {
  const { encoder, decoder, latentDiscriminator, visualDiscriminator, classifier } = networks;
  const drawCodes = (count: number) => randomUniform<tf.Rank.R2>(generator, [count, h.latentSize], -1, 1);
  const withNoise = (x: tf.Tensor4D) =>
    h.noiseSigma === 0 ? x : tf.add(x, tf.mul(randomNormal(generator, x.shape), scalar(h.noiseSigma)));

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
        terms.latentDeception = deceptionLoss(latentDiscriminator.apply(z, 'train'));
        total = tf.add(total, tf.mul(terms.latentDeception, scalar(h.wLatent)));
      }
      if (h.wVisual > 0) {
        const decoded = decoder.apply(codes, 'train');
        terms.visualDeception = deceptionLoss(visualDiscriminator.apply(decoded, 'train'));
        total = tf.add(total, tf.mul(terms.visualDeception, scalar(h.wVisual)));
        if (isMining) terms.mineAfter = meanBceOnLogits(classifier.apply(decoded, 'train'), 0);
      }
      return { ...terms, total } as Record<string, tf.Scalar> & { total: tf.Scalar };
    });

  return { drawCodes, drawBatch, classifierStep, discriminatorStep, mine, autoEncoderStep };
}
