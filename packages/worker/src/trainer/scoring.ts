import type { Model } from '@adctl/methods';
import { chunkRanges } from '@adctl/methods/kit';
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { type ImageSource, toImages } from './image-source.js';

/** How images are measured. */
export interface Measuring {
  /** Images at once. The card decides: a score may differ in its last bits by batch, and equal trials have equal numbers. */
  readonly batch: number;
  /** When aborted, the rest is left out. */
  readonly stop?: AbortSignal;
}

/** Images at once where a card names no number: 256, fewer of large images so that a batch stays at 16 MiB of float32. */
export function defaultScoringBatch({ height, width, channels }: ImageSource['shape']): number {
  return Math.max(1, Math.min(256, Math.floor(2 ** 22 / (height * width * channels))));
}

/**
 * Applies a per-image function of a model to every image, in order.
 *
 * @param measure `[batch, height, width, channels]` to `[batch]`; `offset` is the position of the batch's first image.
 * @returns one number per image, or null when stopped.
 */
export async function measureImages(
  images: ImageSource,
  measure: (batch: Tensor4D, offset: number) => Tensor1D,
  measuring: Measuring,
): Promise<Float32Array | null> {
  const result = await measureNamed(
    images,
    ['value'],
    (batch, offset) => ({ value: measure(batch, offset) }),
    measuring,
  );
  return result?.get('value') ?? null;
}

/** One score per image, higher = more anomalous, or null when stopped. */
export function scoreImages(
  model: Pick<Model, 'score'>,
  images: ImageSource,
  { name, ...measuring }: Measuring & { readonly name?: string | undefined },
): Promise<Float32Array | null> {
  return measureImages(images, (batch) => model.score(batch, name), measuring);
}

/** Several scores of every image by name, in passes that they share where the model can; null when stopped. */
export async function scoreByName(
  model: Pick<Model, 'score' | 'scoreAll'>,
  images: ImageSource,
  names: readonly string[],
  measuring: Measuring,
): Promise<Map<string, Float32Array> | null> {
  if (names.length > 1 && model.scoreAll !== undefined) {
    return await measureNamed(images, names, (batch) => model.scoreAll?.(batch) ?? {}, measuring);
  }
  const scores = new Map<string, Float32Array>();
  for (const name of names) {
    const values = await scoreImages(model, images, { name, ...measuring });
    if (values === null) return null;
    scores.set(name, values);
  }
  return scores;
}

async function measureNamed(
  images: ImageSource,
  names: readonly string[],
  measure: (batch: Tensor4D, offset: number) => Readonly<Record<string, Tensor1D>>,
  { batch: size, stop }: Measuring,
): Promise<Map<string, Float32Array> | null> {
  const results = new Map(names.map((name) => [name, new Float32Array(images.count)]));
  for (const [start, end] of chunkRanges(images.count, size)) {
    if (stop?.aborted) return null;
    const positions = Int32Array.from({ length: end - start }, (_, i) => start + i);
    const batch = toImages(await images.read(positions), images.shape);
    for (const [name, values] of Object.entries(measure(batch, start))) {
      results.get(name)?.set(await values.data(), start);
      values.dispose();
    }
    batch.dispose();
  }
  return results;
}
