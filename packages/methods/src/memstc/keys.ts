import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';
import type { ImageShape } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';
import { latentGrid } from './networks.js';
import type { Structures } from './structures.js';

/** One key for each kind of structure, `[entries, size]`: k_1 of s_1 and k_2 of s_2. */
export type Keys = readonly [semantic: tf.Tensor2D, edges: tf.Tensor2D];

/** A cell's window on the structures: 3x3 cells of 2x2 averages. */
const WINDOW = 6;

/** Entries an image has in the memory: one, or one for each cell of the latent grid. */
export function entriesPerImage(h: Hyperparameters, input: ImageShape): number {
  const [rows, columns] = latentGrid(h, input);
  return h.granularity === 'image' ? 1 : rows * columns;
}

/** Sizes of the two keys. */
export function keySizes(h: Hyperparameters): readonly [semantic: number, edges: number] {
  const area = h.granularity === 'image' ? h.keyGrid ** 2 : WINDOW ** 2;
  const place = h.granularity === 'cell' && h.positionWeight > 0 ? 2 : 0;
  return [area * h.pseudoClasses + place, area + place];
}

/**
 * Keys (spec, "Keys"); no weights are involved, so they never go stale.
 *
 * @returns `[batch * entriesPerImage, size]` each, an image's cells row by row.
 */
export function toKeys({ semantic, edges }: Structures, h: Hyperparameters, input: ImageShape): Keys {
  const toKey = h.granularity === 'image' ? imageKey : cellKey;
  return [toKey(semantic, h, input), toKey(edges, h, input)];
}

/** `flatten(avgpool(s))` to a G x G grid. */
function imageKey(structure: tf.Tensor4D, h: Hyperparameters, { height, width }: ImageShape): tf.Tensor2D {
  const pool: [number, number] = [height / h.keyGrid, width / h.keyGrid];
  return tf.reshape(tf.avgPool(structure, pool, pool, 'valid'), [structure.shape[0], -1]) as tf.Tensor2D;
}

/** Averages over a quarter of a cell, of which each cell takes a 6x6 window about itself, zero outside the image. */
function cellKey(structure: tf.Tensor4D, h: Hyperparameters, input: ImageShape): tf.Tensor2D {
  const [batch, , , channels] = structure.shape;
  const [rows, columns] = latentGrid(h, input);
  const pool: [number, number] = [input.height / (2 * rows), input.width / (2 * columns)];
  const margin: [number, number] = [2, 2];
  const averages = tf.pad4d(tf.avgPool(structure, pool, pool, 'valid'), [[0, 0], margin, margin, [0, 0]]);
  const windows = tf.gather(tf.gather(averages, windowIndices(rows), 1), windowIndices(columns), 2);
  const split = tf.reshape(windows, [batch, rows, WINDOW, columns, WINDOW * channels]);
  const key = tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4]), [batch * rows * columns, -1]) as tf.Tensor2D;
  return h.positionWeight === 0 ? key : tf.concat([key, cellPlaces(batch, rows, columns, h.positionWeight)], 1);
}

/** For every cell the six positions of its window along one axis of the padded averages. */
function windowIndices(cells: number): tf.Tensor1D {
  const indices = Int32Array.from({ length: cells * WINDOW }, (_, i) => 2 * Math.floor(i / WINDOW) + (i % WINDOW));
  return tf.tensor1d(indices, 'int32');
}

/** `omega * (row / rows, column / columns)` of every cell, `[batch * rows * columns, 2]`. */
function cellPlaces(batch: number, rows: number, columns: number, omega: number): tf.Tensor2D {
  const places = Array.from({ length: rows * columns }, (_, i) => [
    Math.floor(i / columns) / rows,
    (i % columns) / columns,
  ]);
  return tf.tile(tf.mul(tf.tensor2d(places, [rows * columns, 2]), scalar(omega)) as tf.Tensor2D, [batch, 1]);
}
