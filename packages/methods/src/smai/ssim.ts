import * as tf from '@tensorflow/tfjs';
import { scalar } from '../kit/scalars.js';
import { SSIM_WINDOW } from './ssim-window.js';

const SIGMA = 1.5;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/** Taps of the normalised 1-D Gaussian window. */
const TAPS = normalise(
  Array.from({ length: SSIM_WINDOW }, (_, i) => Math.exp(-((i - (SSIM_WINDOW - 1) / 2) ** 2) / (2 * SIGMA ** 2))),
);

/**
 * Structural similarity (Wang et al. 2004) at every valid window position, averaged over channels: Gaussian window
 * 11x11 of sigma 1.5, data range 1, population variances.
 *
 *     SSIM = (2 mu_x mu_y + C1)(2 cov + C2) / ((mu_x^2 + mu_y^2 + C1)(var_x + var_y + C2))
 *
 * @param x `[batch, height, width, channels]` in [0, 1], sides at least 11; @param y alike.
 * @returns `[batch, height - 10, width - 10]` in [-1, 1]. Has a gradient.
 */
export function ssim(x: tf.Tensor4D, y: tf.Tensor4D): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const [a, b] = [x, y].map((images) => tf.reshape(tf.transpose(images, [0, 3, 1, 2]), [-1, height, width, 1]));
    // One pair of convolutions for all five local means; channels stand in the batch, which every backend supports.
    const means = blur(tf.concat([a!, b!, tf.square(a!), tf.square(b!), tf.mul(a!, b!)]) as tf.Tensor4D);
    const [muA, muB, squareA, squareB, product] = tf.split(means, 5) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const [muA2, muB2, muAB] = [tf.square(muA), tf.square(muB), tf.mul(muA, muB)];
    // Rounding can leave a variance of a flat window slightly negative.
    const variances = tf.add(tf.relu(tf.sub(squareA, muA2)), tf.relu(tf.sub(squareB, muB2)));
    const covariance = tf.sub(product, muAB);
    const numerator = tf.mul(affine(muAB, 2, C1), affine(covariance, 2, C2));
    const denominator = tf.mul(tf.add(tf.add(muA2, muB2), scalar(C1)), tf.add(variances, scalar(C2)));
    const perChannel = tf.reshape(tf.div(numerator, denominator), [
      batch,
      channels,
      height - SSIM_WINDOW + 1,
      width - SSIM_WINDOW + 1,
    ]);
    return (channels === 1 ? tf.squeeze(perChannel, [1]) : tf.mean(perChannel, 1)) as tf.Tensor3D;
  });
}

/** SSIM with one value for every pixel, borders mirrored including the border pixel: `[batch, height, width]`. */
export function ssimMap(x: tf.Tensor4D, y: tf.Tensor4D): tf.Tensor3D {
  return tf.tidy(() => {
    const margin: [number, number] = [(SSIM_WINDOW - 1) / 2, (SSIM_WINDOW - 1) / 2];
    const [paddedX, paddedY] = [x, y].map(
      (images) => tf.mirrorPad(images, [[0, 0], margin, margin, [0, 0]], 'symmetric') as tf.Tensor4D,
    );
    return ssim(paddedX!, paddedY!);
  });
}

function blur(maps: tf.Tensor4D): tf.Tensor4D {
  const window = tf.tensor1d(TAPS);
  const rows = tf.conv2d(maps, tf.reshape(window, [SSIM_WINDOW, 1, 1, 1]), 1, 'valid');
  return tf.conv2d(rows, tf.reshape(window, [1, SSIM_WINDOW, 1, 1]), 1, 'valid');
}

function affine(x: tf.Tensor, factor: number, offset: number): tf.Tensor {
  return tf.add(tf.mul(x, scalar(factor)), scalar(offset));
}

function normalise(weights: number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
