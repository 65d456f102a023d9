import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { Hyperparameters } from './hyperparameters.js';
import type { Superpixels } from './slic.js';

/**
 * Training masks: of every image a fraction f ~ U(hiddenMin, hiddenMax) of its superpixels, rounded, at least one,
 * chosen without replacement.
 *
 * @returns `[batch, height, width, 1]`, 1 = hidden; the caller disposes it.
 */
export function hideSuperpixels(
  superpixels: readonly Superpixels[],
  size: readonly [height: number, width: number],
  h: Pick<Hyperparameters, 'hiddenMin' | 'hiddenMax'>,
  generator: RandomGenerator,
): tf.Tensor4D {
  const [height, width] = size;
  const hidden = new Float32Array(superpixels.length * height * width);
  for (const [image, { labels, count }] of superpixels.entries()) {
    const fraction = h.hiddenMin + (h.hiddenMax - h.hiddenMin) * generator.uniform();
    const chosen = generator.permutation(count).subarray(0, Math.max(1, Math.round(fraction * count)));
    const isChosen = new Uint8Array(count);
    for (const label of chosen) isChosen[label] = 1;
    const start = image * height * width;
    for (let i = 0; i < labels.length; i++) hidden[start + i] = isChosen[labels[i]!]!;
  }
  return tf.tensor4d(hidden, [superpixels.length, height, width, 1]);
}
