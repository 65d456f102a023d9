import * as tf from '@tensorflow/tfjs';
import type { ImageShape } from '../method.js';

/** Where the windows of a test image begin. */
export interface WindowGrid {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly patchSize: number;
  readonly height: number;
  readonly width: number;
}

/** Windows in steps of the stride, the last row and column aligned to the border, so that every pixel is in one. */
export function planWindows({ height, width }: ImageShape, patchSize: number, stride: number): WindowGrid {
  const starts = (side: number) => {
    const last = side - patchSize;
    const regular = Array.from({ length: Math.floor(last / stride) + 1 }, (_, i) => i * stride);
    return regular.at(-1) === last ? regular : [...regular, last];
  };
  return { rows: starts(height), columns: starts(width), patchSize, height, width };
}

/** Number of windows of an image. */
export function countWindows({ rows, columns }: WindowGrid): number {
  return rows.length * columns.length;
}

/**
 * The windows of images, row by row within each image.
 * @param images `[batch, height, width, channels]`
 * @returns `[batch * windows, patchSize, patchSize, channels]`; the caller disposes it.
 */
export function cutWindows(images: tf.Tensor4D, { rows, columns, patchSize: p }: WindowGrid): tf.Tensor4D {
  return tf.tidy(() => {
    const indices = (starts: readonly number[]) =>
      tf.tensor1d(
        starts.flatMap((start) => Array.from({ length: p }, (_, i) => start + i)),
        'int32',
      );
    const [batch, , , channels] = images.shape;
    const gathered = tf.gather(tf.gather(images, indices(rows), 1), indices(columns), 2);
    const split = tf.reshape(gathered, [batch, rows.length, p, columns.length, p * channels]);
    // A window's rows lie apart; bring them together.
    return tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4]), [batch * rows.length * columns.length, p, p, channels]);
  });
}

/**
 * The map of an image: the mean of the scores of all windows that contain a pixel.
 * @param scores `[batch, windows]`, row by row.
 * @returns `[batch, height, width]`
 */
export function averageOverWindows(scores: tf.Tensor2D, grid: WindowGrid): tf.Tensor3D {
  return tf.tidy(() => {
    const { rows, columns } = grid;
    const [down, across] = [coverage(rows, grid.patchSize, grid.height), coverage(columns, grid.patchSize, grid.width)];
    const cells = tf.reshape(scores, [scores.shape[0], rows.length, columns.length]);
    // A pixel's sum is separable: over the rows of windows that hold it, then over the columns.
    const sums = tf.reshape(tf.matMul(tf.reshape(cells, [-1, columns.length]), across), [-1, rows.length, grid.width]);
    const spread = tf.matMul(tf.tile(tf.expandDims(down, 0), [scores.shape[0], 1, 1]), sums, true, false);
    const counts = tf.mul(tf.expandDims(tf.sum(down, 0), 1), tf.expandDims(tf.sum(across, 0), 0));
    return tf.div(spread, counts) as tf.Tensor3D;
  });
}

/** `[starts, side]`: 1 where the window that begins there covers the pixel. */
function coverage(starts: readonly number[], patchSize: number, side: number): tf.Tensor2D {
  const values = new Float32Array(starts.length * side);
  for (const [i, start] of starts.entries()) values.fill(1, i * side + start, i * side + start + patchSize);
  return tf.tensor2d(values, [starts.length, side]);
}
