import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';

/** The two structures of images, frozen and differentiable with respect to the images. */
export interface Structures {
  /** s_1, soft membership of every pixel in K colour clusters: `[batch, height, width, K]`, sums to 1 over K. */
  readonly semantic: tf.Tensor4D;
  /** s_2, edge strength: `[batch, height, width, 1]` in [0, 1). */
  readonly edges: tf.Tensor4D;
}

export interface ExtractorOptions {
  /** t: squared colour distances are divided by it. */
  readonly semanticTemperature: number;
  /** kappa: gradient at which an edge counts 1 - exp(-1/2). */
  readonly edgeScale: number;
}

/**
 * E_sem and E_low (spec, "Structure extractors"): both look at the image blurred by a Gaussian of sigma 1.
 *
 * @param images `[batch, height, width, channels]` in [0, 1].
 * @param centres c_k, `[K, channels]`.
 */
export function extractStructures(images: tf.Tensor4D, centres: tf.Tensor2D, options: ExtractorOptions): Structures {
  const blurred = blur(images);
  return {
    semantic: semanticStructure(blurred, centres, options.semanticTemperature),
    edges: edgeStructure(blurred, options.edgeScale),
  };
}

/** Gaussian of sigma 1 over 7x7 pixels, border replicated. */
export function blur(images: tf.Tensor4D): tf.Tensor4D {
  const channels = images.shape[3];
  const taps = [-3, -2, -1, 0, 1, 2, 3].map((i) => Math.exp((-i * i) / 2));
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  const column = tf.tensor4d(
    taps.map((tap) => tap / total),
    [7, 1, 1, 1],
  );
  // Every channel on its own: a kernel that is diagonal in the channels.
  const diagonal = tf.reshape(tf.eye(channels), [1, 1, channels, channels]);
  const kernel = tf.mul(column, diagonal) as tf.Tensor4D;
  const rows = tf.conv2d(replicateBorder(images, 3), kernel, 1, 'valid');
  return tf.conv2d(rows, tf.reshape(kernel, [1, 7, channels, channels]), 1, 'valid');
}

/** `softmax_k(-||b - c_k||^2 / t)`; |b|^2 is the same for every k and cancels. */
function semanticStructure(blurred: tf.Tensor4D, centres: tf.Tensor2D, temperature: number): tf.Tensor4D {
  const [classes, channels] = centres.shape;
  const kernel = tf.reshape(tf.mul(tf.transpose(centres), scalar(2 / temperature)), [1, 1, channels, classes]);
  const offset = tf.mul(tf.sum(tf.square(centres), 1), scalar(1 / temperature));
  return tf.softmax(tf.sub(tf.conv2d(blurred, kernel as tf.Tensor4D, 1, 'valid'), offset)) as tf.Tensor4D;
}

/** `1 - exp(-g^2 / (2 kappa^2))`, g the Sobel gradient (kernels divided by 8) of the luminance, the channels' mean. */
function edgeStructure(blurred: tf.Tensor4D, kappa: number): tf.Tensor4D {
  const luminance = blurred.shape[3] === 1 ? blurred : (tf.mean(blurred, 3, true) as tf.Tensor4D);
  const gradients = tf.conv2d(replicateBorder(luminance, 1), tf.tensor4d(SOBEL_PAIR, [3, 3, 1, 2]), 1, 'valid');
  const squared = tf.sum(tf.square(gradients), 3, true);
  return tf.sub(scalar(1), tf.exp(tf.mul(squared, scalar(-1 / (2 * kappa * kappa))))) as tf.Tensor4D;
}

/** Horizontal and vertical Sobel kernels over 8, `[row][column][kernel]`. */
const SOBEL_PAIR = [
  [-1, -1, 0, -2, 1, -1],
  [-2, 0, 0, 0, 2, 0],
  [-1, 1, 0, 2, 1, 1],
].flatMap((row) => row.map((value) => value / 8));

/**
 * Repeats the outermost pixels `margin` times. By `gather` with clamped indices, whose gradient is exact; there is no
 * padding mode for it.
 */
function replicateBorder(images: tf.Tensor4D, margin: number): tf.Tensor4D {
  const clamped = (size: number) =>
    tf.tensor1d(
      Int32Array.from({ length: size + 2 * margin }, (_, i) => Math.min(size - 1, Math.max(0, i - margin))),
      'int32',
    );
  const [, height, width] = images.shape;
  return tf.gather(tf.gather(images, clamped(height), 1), clamped(width), 2);
}
