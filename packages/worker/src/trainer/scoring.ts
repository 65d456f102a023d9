import type { Model } from '@adctl/methods';
import { chunkRanges } from '@adctl/methods/kit';
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { type ImageSource, toImages } from './image-source.js';

/** Fixed, because a score may differ in its last bits by batch, and equal trials must have equal numbers. */
const SCORING_BATCH = 256;

/**
 * Applies a per-image function of a model to every image, in order.
 *
 * @param measure `[batch, height, width, channels]` to `[batch]`; `offset` is the position of the batch's first image.
 * @param stop when aborted, the rest is left out.
 * @returns one number per image, or null when stopped.
 */
export async function measureImages(
  images: ImageSource,
  measure: (batch: Tensor4D, offset: number) => Tensor1D,
  stop?: AbortSignal,
): Promise<Float32Array | null> {
  const result = new Float32Array(images.count);
  for (const [start, end] of chunkRanges(images.count, SCORING_BATCH)) {
    if (stop?.aborted) return null;
    const positions = Int32Array.from({ length: end - start }, (_, i) => start + i);
    const batch = toImages(await images.read(positions), images.shape);
    const values = measure(batch, start);
    result.set(await values.data(), start);
    values.dispose();
    batch.dispose();
  }
  return result;
}

/** One score per image, higher = more anomalous, or null when stopped. */
export function scoreImages(
  model: Pick<Model, 'score'>,
  images: ImageSource,
  options: { readonly name?: string; readonly stop?: AbortSignal } = {},
): Promise<Float32Array | null> {
  return measureImages(images, (batch) => model.score(batch, options.name), options.stop);
}
