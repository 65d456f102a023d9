import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { ImageShape } from '../method.js';

/** Images in memory as bytes, `[count, height, width, channels]` row-major, 0 black to 255 white. */
export interface ImageSet {
  readonly count: number;
  readonly shape: ImageShape;
  readonly pixels: Uint8Array;
}

export interface EpochOptions {
  /** Number of training images. */
  readonly count: number;
  readonly batchSize: number;
  /** Seed of the trial. */
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
  /** Whether a last, partial batch is skipped; it never is when it is the only one. */
  readonly dropLastBatch: boolean;
}

/**
 * The batches of one epoch: a permutation of the images that depends on seed and epoch alone, cut into batches. A
 * resumed trial asks for the epoch again and skips the batches it has done.
 *
 * @returns image indices per batch.
 */
export function planEpoch(options: EpochOptions): Int32Array[] {
  const { count, batchSize, seed, epoch, dropLastBatch } = options;
  const order = createGenerator(seed, 'batches', epoch).permutation(count);
  const batches: Int32Array[] = [];
  for (let start = 0; start < count; start += batchSize) batches.push(order.subarray(start, start + batchSize));
  const isLastPartial = batches.length > 1 && batches.at(-1)!.length < batchSize;
  return dropLastBatch && isLastPartial ? batches.slice(0, -1) : batches;
}

/** Byte to [0, 1], rounded once to float32: a table is faster than a division and gives the same bits. */
const UNIT_OF_BYTE = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/**
 * Gathers images into a batch, `[batch, height, width, channels]` float32 in [0, 1]; the caller disposes it. The
 * buffer is fresh each time: TensorFlow uploads lazily and may keep sharing it, so a reused one would change tensors.
 *
 * @param indices which images; default all, in order.
 * @throws RangeError for an index outside the set.
 */
export function gatherImages(images: ImageSet, indices?: ArrayLike<number>): tf.Tensor4D {
  const { height, width, channels } = images.shape;
  const size = height * width * channels;
  const batch = indices?.length ?? images.count;
  const values = new Float32Array(batch * size);
  let target = 0;
  for (let i = 0; i < batch; i++) {
    const index = indices === undefined ? i : indices[i]!;
    if (!(index >= 0 && index < images.count)) {
      throw new RangeError(`image index ${index} is outside 0..${images.count - 1}`);
    }
    const start = index * size;
    for (let k = start; k < start + size; k++) values[target++] = UNIT_OF_BYTE[images.pixels[k]!]!;
  }
  return tf.tensor4d(values, [batch, height, width, channels], 'float32');
}

/** Consecutive ranges of at most `size` covering 0..count-1, for scoring in chunks: `[start, end)` pairs. */
export function chunkRanges(count: number, size: number): (readonly [start: number, end: number])[] {
  const ranges: (readonly [number, number])[] = [];
  for (let start = 0; start < count; start += size) ranges.push([start, Math.min(count, start + size)]);
  return ranges;
}
