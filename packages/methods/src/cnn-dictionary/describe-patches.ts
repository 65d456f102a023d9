import * as tf from '@tensorflow/tfjs';
import { type Backbone, toBackbonePixels } from '../backbones/backbone.js';
import { scalar } from '../kit/scalars.js';
import { type Hyperparameters, tapOf } from './hyperparameters.js';
import type { WindowGrid } from './windows.js';

/** Feature vectors are about 1 / length in size after normalisation; this keeps float32 away from tiny numbers. */
const SCALE = 512;

/** `512 f / sum |f|` of every row, so that only proportions count (paper section 4.1; the factor is ours). */
export function normalizeL1(features: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const sums = tf.maximum(tf.sum(tf.abs(features), 1, true), scalar(1e-12));
    return tf.mul(tf.div(features, sums), scalar(SCALE));
  });
}

/** Turns patches into feature vectors. */
export type DescribePatches = (patches: tf.Tensor4D) => tf.Tensor2D;

/**
 * Patches `[count, p, p, channels]` in [0, 1] to vectors `[count, length]`: through the backbone, pooled or flat, and
 * normalised; or, without one, the pixels themselves.
 */
export function createDescriptor(h: Hyperparameters, backbone: Backbone | null): DescribePatches {
  if (backbone === null) return (patches) => tf.reshape(patches, [patches.shape[0], -1]);
  const tap = tapOf(h.feature, h.backbone);
  return (patches) =>
    tf.tidy(() => {
      const enlarged = toBackbonePixels(patches, h.inputSize, h.inputSize);
      const [map] = backbone.features(enlarged, [tap]) as [tf.Tensor4D];
      return normalizeL1(h.feature === 'conv5_x' ? tf.reshape(map, [patches.shape[0], -1]) : tf.mean(map, [1, 2]));
    });
}

/**
 * The dense variant: whole images `[batch, height, width, channels]` through the backbone once, features averaged over
 * the cells that a window covers. Neighbouring patches leak into each other.
 * @returns `[batch * windows, length]`, row by row within each image.
 */
export function describeDensely(
  images: tf.Tensor4D,
  grid: WindowGrid,
  { feature, backbone: name, patchSize }: Hyperparameters,
  backbone: Backbone,
): tf.Tensor2D {
  return tf.tidy(() => {
    const [height, width] = backbone.network.plan.input as [number, number];
    const [map] = backbone.features(toBackbonePixels(images, height, width), [tapOf(feature, name)]) as [tf.Tensor4D];
    const [batch, mapHeight, mapWidth, channels] = map.shape;
    const [perRow, perColumn] = [mapHeight / grid.height, mapWidth / grid.width];
    const [tall, wide] = [Math.max(1, Math.round(patchSize * perRow)), Math.max(1, Math.round(patchSize * perColumn))];
    const pooled = tf.avgPool(map, [tall, wide], 1, 'valid');
    const cells = (starts: readonly number[], scale: number, count: number) =>
      tf.tensor1d(
        starts.map((start) => Math.min(Math.round(start * scale), count - 1)),
        'int32',
      );
    const rows = tf.gather(pooled, cells(grid.rows, perRow, mapHeight - tall + 1), 1);
    const windows = tf.gather(rows, cells(grid.columns, perColumn, mapWidth - wide + 1), 2);
    return normalizeL1(tf.reshape(windows, [batch * grid.rows.length * grid.columns.length, channels]));
  });
}
