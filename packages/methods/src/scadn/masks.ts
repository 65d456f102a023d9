import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { ImageShape } from '../method.js';

/** Masks of one scale: vertical stripes and their complement, horizontal stripes and their complement. */
export const MASKS_PER_SCALE = 4;

/**
 * The stripe masks of every scale, 1 = hidden. For width w = side / stripes: 0 hides where floor(x / w) is even, 1 where it
 * is odd, 2 and 3 alike with y. Every mask hides half of the image and every pixel is hidden by two masks of a scale.
 *
 * @returns `[4 scales, height, width, 1]`, scale by scale; the caller disposes it.
 */
export function stripeMasks({ height, width }: ImageShape, stripes: readonly number[]): tf.Tensor4D {
  const size = height * width;
  const values = new Float32Array(MASKS_PER_SCALE * stripes.length * size);
  for (const [scale, count] of stripes.entries()) {
    for (let i = 0; i < size; i++) {
      const isOddColumn = Math.floor(((i % width) * count) / width) % 2;
      const isOddRow = Math.floor((Math.floor(i / width) * count) / height) % 2;
      const hidden = [1 - isOddColumn, isOddColumn, 1 - isOddRow, isOddRow];
      for (const [k, value] of hidden.entries()) values[(MASKS_PER_SCALE * scale + k) * size + i] = value;
    }
  }
  return tf.tensor4d(values, [MASKS_PER_SCALE * stripes.length, height, width, 1]);
}

/** One mask for each of `count` images, drawn uniformly and independently: `[count, height, width, 1]`. */
export function drawMasks(masks: tf.Tensor4D, count: number, generator: RandomGenerator): tf.Tensor4D {
  return chooseMasks(
    masks,
    Int32Array.from({ length: count }, () => generator.integer(masks.shape[0])),
  );
}

export function chooseMasks(masks: tf.Tensor4D, indices: Int32Array): tf.Tensor4D {
  return tf.tidy(() => tf.gather(masks, tf.tensor1d(indices, 'int32')));
}
