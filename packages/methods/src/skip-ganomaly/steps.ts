import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { initialValues } from '../kit/initializers.js';
import { minimize } from '../kit/minimize.js';
import type { Network } from '../kit/network.js';
import type { Optimizer } from '../kit/optimizer.js';
import { randomNormal } from '../kit/random-tensors.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';
import { adversarialLoss, contextualLoss, discriminationLoss, latentLoss } from './losses.js';
import { runDiscriminator, runGenerator } from './passes.js';

/** Below this L_D the authors' code starts the discriminator afresh. */
const COLLAPSED = 1e-5;

export interface StepParts {
  readonly networks: Readonly<Record<'generator' | 'discriminator', Network>>;
  readonly optimizers: Readonly<Record<'generator' | 'discriminator', Optimizer>>;
  readonly generator: RandomGenerator;
  /** Stride-2 levels of the generator. */
  readonly levels: number;
}

/**
 * The parts of one iteration, each moving only the network it names. `x` and `rebuilt` are `[batch, side, side,
 * channels]` in [-1, 1]; the caller disposes what is returned.
 */
export function createSteps(h: Hyperparameters, { networks, optimizers, generator, levels }: StepParts) {
  const { generator: g, discriminator: d } = networks;
  const withNoise = (x: tf.Tensor4D) =>
    h.noiseSigma === 0 ? x : tf.add(x, tf.mul(randomNormal(generator, x.shape), scalar(h.noiseSigma)));

  /**
   * L_G = wAdv L_adv + wCon L_con + wLat L_lat moves G only; its gradients flow through D. Both networks are in training
   * mode and move their averages, D once for the images and once for the reconstructions.
   *
   * @returns the terms and x^, computed before the move.
   */
  const generatorStep = (x: tf.Tensor4D) =>
    tf.tidy(() => {
      const input = withNoise(x);
      // f(x) does not depend on G: a constant here.
      const real = runDiscriminator(d, x, 'train+update');
      let rebuilt: tf.Tensor4D | undefined;
      const terms = minimize(optimizers.generator, () => {
        rebuilt = tf.keep(runGenerator(g, input, { pass: 'train+update', levels, skipLevels: h.skipLevels }));
        const fake = runDiscriminator(d, rebuilt, 'train+update');
        const adversarial = adversarialLoss(fake.logit);
        const contextual = contextualLoss(x, rebuilt);
        const latent = latentLoss(real.feature, fake.feature);
        const total = tf.addN([
          tf.mul(adversarial, scalar(h.wAdv)),
          tf.mul(contextual, scalar(h.wCon)),
          tf.mul(latent, scalar(h.wLat)),
        ]) as tf.Scalar;
        return { adversarial, contextual, latent, total };
      });
      return { terms, rebuilt: rebuilt! };
    });

  /**
   * L_D = BCE(D(x), 1) + BCE(D(x^), 0) [+- wLat L_lat] moves D only, on the x^ of the generator step: a constant. D has not
   * moved since, so D(x) is what it was, and its averages have already seen it.
   */
  const discriminatorStep = (x: tf.Tensor4D, rebuilt: tf.Tensor4D) =>
    minimize(optimizers.discriminator, () => {
      const real = runDiscriminator(d, x, 'train');
      const fake = runDiscriminator(d, rebuilt, 'train+update');
      const objective = discriminationLoss(real.logit, fake.logit);
      if (h.dLatent === 'none') return { total: objective };
      const weight = h.dLatent === 'plus' ? h.wLat : -h.wLat;
      return { total: tf.add(objective, tf.mul(latentLoss(real.feature, fake.feature), scalar(weight))) as tf.Scalar };
    });

  /**
   * Starts D afresh when its loss has collapsed (authors' guard): new weights, averages and optimizer state stay. Reads
   * the loss, so it waits for the device.
   * @returns whether it did.
   */
  const resetCollapsed = (discriminatorLoss: tf.Scalar): boolean => {
    if (discriminatorLoss.dataSync()[0]! >= COLLAPSED) return false;
    const seed = generator.uint32();
    for (const { plan, parameters } of d.summary.layers) {
      for (const parameter of parameters.filter((p) => p.trainable)) {
        const values = initialValues(parameter, { seed, network: d.name, layer: plan.name });
        tf.tidy(() => d.variable(plan.name, parameter.name).assign(tf.tensor(values, parameter.shape.slice())));
      }
    }
    return true;
  };

  return { generatorStep, discriminatorStep, resetCollapsed };
}
