import { AdctlError } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import type { PassMode } from '../kit/batch-norm.js';
import { assertImageShape } from '../kit/images.js';
import { meanSquaredErrorPerSample } from '../kit/losses.js';
import { createNetwork, type Network } from '../kit/network.js';
import { randomNormal } from '../kit/random-tensors.js';
import { scalar } from '../kit/scalars.js';
import type { ModelContext, StepPosition, SteppingModel } from '../method.js';
import { type Hyperparameters, isMiningEpoch } from './hyperparameters.js';
import { geometryOf, planNetworks } from './networks.js';
import { toInputFrame, toInputPixels, toNetworkPixels } from './pixels.js';
import { createSteps, type Networks } from './steps.js';

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
export function createOcgan(h: Hyperparameters, context: ModelContext): SteppingModel {
  const geometry = geometryOf(h, context.input);
  const plans = planNetworks(h, geometry);
  const networks = Object.fromEntries(plans.map((plan) => [plan.name, createNetwork(plan, context)])) as Networks;
  const { encoder, decoder, visualDiscriminator, classifier } = networks;
  // beta1 0.5 and epsilon 1e-8 for all (authors' code); encoder and decoder move together.
  const adam = (...sources: Network[]) =>
    createAdam(sources, { learningRate: h.learningRate, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 });
  const optimizers = {
    classifier: adam(classifier),
    latentDiscriminator: adam(networks.latentDiscriminator),
    visualDiscriminator: adam(visualDiscriminator),
    autoEncoder: adam(encoder, decoder),
  };

  const steps = createSteps(h, { networks, optimizers, generator: context.generator, geometry });

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
        const batch = steps.drawBatch(images);
        const c = steps.classifierStep(batch);
        const d = steps.discriminatorStep(batch);
        const start = steps.drawCodes(images.shape[0]);
        const isMining = isMiningEpoch(h, epoch) && h.wVisual > 0;
        const mined = isMining ? steps.mine(start) : null;
        const ae = steps.autoEncoderStep(batch, mined?.codes ?? start, isMining);
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
    ownScore: h.score,
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
