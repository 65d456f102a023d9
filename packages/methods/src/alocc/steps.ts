import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { minimize } from '../kit/minimize.js';
import type { Network } from '../kit/network.js';
import type { Optimizer } from '../kit/optimizer.js';
import { randomNormal } from '../kit/random-tensors.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';
import { adversarialLoss, discriminationLoss, reconstructionLoss, type Target } from './losses.js';

export interface StepParts {
  readonly networks: Readonly<Record<'reconstructor' | 'discriminator', Network>>;
  readonly optimizers: Readonly<Record<'reconstructor' | 'discriminator', Optimizer>>;
}

/** `clip(x + sigma N(0, 1), -1, 1)`, fresh noise at every call; x in [-1, 1]. */
export function addNoise(x: tf.Tensor, sigma: number, generator: RandomGenerator): tf.Tensor {
  return tf.tidy(() => tf.clipByValue(tf.add(x, tf.mul(randomNormal(generator, x.shape), scalar(sigma))), -1, 1));
}

/**
 * The two kinds of updates. All passes use batch statistics; moving averages are moved by D in its own step and by R in
 * its own. The caller disposes the returned terms.
 */
export function createSteps(h: Hyperparameters, { networks, optimizers }: StepParts) {
  const { reconstructor, discriminator } = networks;

  /** L_D moves D only; R(xn) is a constant, and images and reconstructions have a pass each. */
  const discriminatorStep = ({ clean, noisy }: Target) =>
    tf.tidy(() => {
      const rebuilt = reconstructor.apply(noisy, 'train');
      return minimize(optimizers.discriminator, () => ({
        total: discriminationLoss(
          discriminator.apply(clean, 'train+update'),
          discriminator.apply(rebuilt, 'train+update'),
        ),
      }));
    });

  /** L_R = wAdv BCE(D(R(xn)), 1) + lambda L_rec moves R only. */
  const reconstructorStep = (target: Target) =>
    minimize(optimizers.reconstructor, () => {
      const rebuilt = reconstructor.apply(target.noisy, 'train+update');
      const adversarial = adversarialLoss(discriminator.apply(rebuilt, 'train'));
      const reconstruction = reconstructionLoss(rebuilt, target, h.recLoss);
      const total = tf.add(tf.mul(adversarial, scalar(h.wAdv)), tf.mul(reconstruction, scalar(h.lambdaRec)));
      return { adversarial, reconstruction, total: total as tf.Scalar };
    });

  return { discriminatorStep, reconstructorStep };
}
