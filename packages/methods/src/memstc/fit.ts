import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { chunkRanges } from '../kit/batching.js';
import type { FittingImages, ImageReader } from '../method.js';
import { clusterColours } from './clustering.js';
import type { Entries, Queue } from './queue.js';
import { type ScoreParts, scoreConstants } from './scores.js';
import { blur } from './structures.js';

/** Images and pixels that the clusters of colours are made from (spec, "Structure extractors"). */
const CLUSTERED_IMAGES = 500;
const CLUSTERED_PIXELS = 20_000;

/**
 * Pseudo-semantics: centres of the blurred colours of up to 20,000 pixels from up to 500 training images, drawn from
 * the seed alone.
 *
 * @returns `[classes, channels]` row-major.
 */
export async function findCentres(
  train: ImageReader,
  classes: number,
  seed: number,
  readSize: number,
): Promise<Float32Array> {
  const generator = createGenerator(seed, 'colour-clusters');
  const { height, width, channels } = train.shape;
  const chosen = generator.permutation(train.count).subarray(0, CLUSTERED_IMAGES);
  const perImage = Math.min(height * width, Math.floor(CLUSTERED_PIXELS / chosen.length));
  const colours = new Float32Array(chosen.length * perImage * channels);
  let target = 0;
  for (const [start, end] of chunkRanges(chosen.length, readSize)) {
    const images = await train.read(chosen.slice(start, end));
    const blurred = tf.tidy(() => blur(images).dataSync<'float32'>());
    images.dispose();
    for (let i = 0; i < end - start; i++) {
      for (const pixel of generator.permutation(height * width).subarray(0, perImage)) {
        const source = (i * height * width + pixel) * channels;
        colours.set(blurred.subarray(source, source + channels), target);
        target += channels;
      }
    }
  }
  return clusterColours(colours, channels, classes, generator);
}

/** How a memory is refilled. */
export interface RefillOptions {
  readonly capacity: number;
  /** Entries of one image. */
  readonly entriesPerImage: number;
  readonly seed: number;
  /** Images read at once. */
  readonly readSize: number;
  /** Keys and values of a batch under the final weights; the caller disposes them. */
  readonly describe: (images: tf.Tensor4D) => Omit<Entries, 'ids'>;
}

/**
 * Fills an empty memory with as many entries as it takes, drawn uniformly without replacement from all training images
 * (or cells): those that were written during training are from older encoder weights (spec, "After training").
 */
export async function refill(
  memory: Queue,
  { train, signal }: Pick<FittingImages, 'train' | 'signal'>,
  { capacity, entriesPerImage, seed, readSize, describe }: RefillOptions,
): Promise<void> {
  memory.clear();
  const all = createGenerator(seed, 'memory').permutation(train.count * entriesPerImage);
  const chosen = all.subarray(0, capacity).toSorted();
  const imageOf = (entry: number) => Math.floor(entry / entriesPerImage);
  const positions = Int32Array.from(new Set(Array.from(chosen, imageOf)));
  let from = 0;
  for (const [start, end] of chunkRanges(positions.length, readSize)) {
    signal.throwIfAborted();
    const batch = positions.slice(start, end);
    let to = from;
    while (to < chosen.length && imageOf(chosen[to]!) <= batch.at(-1)!) to += 1;
    // Where in the batch's entries the chosen ones are.
    const rankOf = new Map(Array.from(batch, (position, rank) => [position, rank]));
    const entries = chosen.subarray(from, to);
    const rows = Int32Array.from(entries, (e) => rankOf.get(imageOf(e))! * entriesPerImage + (e % entriesPerImage));
    const images = await train.read(batch);
    tf.tidy(() => {
      const { keys, values } = describe(images);
      const pick = (tensor: tf.Tensor2D) => tf.gather(tensor, tf.tensor1d(rows, 'int32'));
      const ids = Int32Array.from(entries, imageOf);
      memory.enqueue({ keys: [pick(keys[0]), pick(keys[1])], values: pick(values), ids });
    });
    images.dispose();
    from = to;
  }
}

/**
 * The constants the parts of a score are divided by, from held-out normal images, which are in no memory.
 * @throws AdctlError as `scoreConstants`.
 */
export async function measureConstants(
  { calibration, signal }: Pick<FittingImages, 'calibration' | 'signal'>,
  readSize: number,
  measure: (images: tf.Tensor4D) => ScoreParts<tf.Tensor1D>,
): Promise<ScoreParts<number>> {
  const parts: ScoreParts<number[]> = { pixel: [], structure: [], retrieval: [] };
  for (const [start, end] of chunkRanges(calibration.count, readSize)) {
    signal.throwIfAborted();
    const images = await calibration.read(Int32Array.from({ length: end - start }, (_, i) => start + i));
    tf.tidy(() => {
      const measured = measure(images);
      for (const part of ['pixel', 'structure', 'retrieval'] as const) parts[part].push(...measured[part].dataSync());
    });
    images.dispose();
  }
  return scoreConstants(parts);
}
