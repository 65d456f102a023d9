import * as tf from '@tensorflow/tfjs';
import { type Hyperparameters, shiftOf } from './hyperparameters.js';
import { listTransformations, planGather } from './transformations.js';

/** The transformations of a model as gathers on the device. */
export interface Transformer {
  /** How many there are. */
  readonly count: number;
  /** T_t(x) of every image: `[batch, side, side, channels]`, same shape. */
  applyToAll(images: tf.Tensor4D, label: number): tf.Tensor4D;
  /** Each image under a transformation of its own; the labels are `[batch]`, int32. */
  applyEach(images: tf.Tensor4D, labels: tf.Tensor1D): tf.Tensor4D;
  /** Frees the table of positions. */
  dispose(): void;
}

/** Creates the table `[transformations, side * side]` of source positions. */
export function createTransformer(h: Pick<Hyperparameters, 'transforms' | 'shiftFraction'>, side: number): Transformer {
  const rows = listTransformations(h.transforms, shiftOf(h, side)).map((t) => planGather(t, side));
  const pixels = side * side;
  const positions = new Int32Array(rows.length * pixels);
  for (const [label, row] of rows.entries()) positions.set(row, label * pixels);
  const table = tf.keep(tf.tensor2d(positions, [rows.length, pixels], 'int32'));
  return {
    count: rows.length,
    applyToAll: (images, label) =>
      tf.tidy(() => {
        const [batch, , , channels] = images.shape;
        const positions = tf.reshape(tf.slice2d(table, [label, 0], [1, pixels]), [pixels]);
        const moved = tf.gather(tf.reshape(images, [batch, pixels, channels]), positions, 1);
        return tf.reshape(moved, images.shape);
      }),
    applyEach: (images, labels) =>
      tf.tidy(() => {
        const [batch, , , channels] = images.shape;
        const starts = tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(pixels, 'int32'));
        const positions = tf.add(tf.gather(table, labels), tf.expandDims(starts, 1));
        const moved = tf.gather(tf.reshape(images, [batch * pixels, channels]), tf.reshape(positions, [-1]));
        return tf.reshape(moved, images.shape);
      }),
    dispose: () => table.dispose(),
  };
}
