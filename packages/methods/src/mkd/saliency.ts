import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { planSteps, runSteps } from '../kit/layer-steps.js';
import type { Network } from '../kit/network.js';
import { randomNormal } from '../kit/random-tensors.js';
import type { Hyperparameters } from './hyperparameters.js';
import { absoluteSum, blurMaps, guidedRelu, openMaps, rescale } from './maps.js';

/** What a saliency is computed from. */
export interface SaliencyParts {
  readonly hyperparameters: Hyperparameters;
  /** Sum over a batch of the score, given both networks' taps. */
  readonly totalScore: (sources: tf.Tensor4D[], clones: tf.Tensor4D[]) => tf.Scalar;
  readonly sourceTaps: (x: tf.Tensor4D) => tf.Tensor4D[];
  readonly cloner: Network;
  readonly clonerTaps: readonly string[];
}

/** Share of the pixels whose saliency is below the top of the map's scale. */
const PERCENTILE = 0.99;

/**
 * Localisation map of network inputs (paper section 3.3, spec section 4): saliency, rescaled to [0, 1] by its 99th
 * percentile, blurred, opened.
 * @returns `[batch, size, size]`
 */
export function localize(parts: SaliencyParts, x: tf.Tensor4D, sigma: number): tf.Tensor3D {
  return tf.tidy(() => {
    const scaled = rescale(computeSaliency(parts, x), PERCENTILE);
    // The code scales the guided map once more before it blurs.
    const map = parts.hyperparameters.saliency === 'gbp' ? rescale(scaled, 1) : scaled;
    return openMaps(blurMaps(map, sigma));
  });
}

/** `sum over channels |d score / d x|`, `[batch, size, size]`, by the chosen variant. */
export function computeSaliency(parts: SaliencyParts, x: tf.Tensor4D): tf.Tensor3D {
  const { saliency, smoothSamples, smoothNoise } = parts.hyperparameters;
  const gradient = scoreGradient(parts, saliency === 'gbp');
  if (saliency !== 'smoothgrad') return tf.tidy(() => absoluteSum(gradient(x)));
  return tf.tidy(() => {
    // One noise for all images, so that a map does not depend on the batch.
    const generator = createGenerator(0, 'mkd', 'smoothgrad');
    const range = tf.sub(tf.max(x, [1, 2, 3], true), tf.min(x, [1, 2, 3], true));
    let sum = tf.zerosLike(x);
    for (let i = 0; i < smoothSamples; i++) {
      const noise = tf.mul(randomNormal(generator, [1, ...x.shape.slice(1)]), tf.mul(range, smoothNoise));
      const next = tf.tidy(() => tf.add(sum, gradient(tf.add(x, noise))) as tf.Tensor4D);
      tf.dispose([sum, noise]);
      sum = next;
    }
    return absoluteSum(tf.div(sum, smoothSamples) as tf.Tensor4D);
  });
}

/** Derivative of the summed score by the input: through both networks, or the cloner alone. */
function scoreGradient(parts: SaliencyParts, isGuided: boolean): (x: tf.Tensor4D) => tf.Tensor4D {
  const clone = (x: tf.Tensor4D) =>
    (isGuided ? guidedTaps(parts, x) : parts.cloner.taps(x, 'infer', parts.clonerTaps)) as tf.Tensor4D[];
  return (x) =>
    tf.tidy(() => {
      const constant = parts.hyperparameters.gradThroughSource ? null : parts.sourceTaps(x);
      const total = (input: tf.Tensor) => {
        const images = input as tf.Tensor4D;
        return parts.totalScore(constant ?? parts.sourceTaps(images), clone(images));
      };
      return tf.grad(total)(x) as tf.Tensor4D;
    });
}

/** The cloner's taps with every ReLU guided; the path through the source is not. */
function guidedTaps({ cloner, clonerTaps }: SaliencyParts, x: tf.Tensor4D): tf.Tensor[] {
  const layers = cloner.plan.layers.map(({ name }) => cloner.layer(name));
  const steps = planSteps(layers).map((step, i) =>
    layers[i]!.summary.plan.kind === 'activation' ? { ...step, run: (map: tf.Tensor) => guidedRelu(map) } : step,
  );
  return runSteps(steps, x, 'infer', clonerTaps);
}
