import * as tf from '@tensorflow/tfjs';

/**
 * Saliency to [0, 1] per image: `clip((a - lo) / (hi - lo), 0, 1)` with lo the minimum and hi a percentile (linear
 * interpolation); zeros where an image's saliency is constant.
 * @param saliency `[batch, height, width]`
 * @param percentile of hi, in (0, 1]; 1 is the maximum.
 */
export function rescale(saliency: tf.Tensor3D, percentile: number): tf.Tensor3D {
  const [batch, height, width] = saliency.shape;
  const size = height * width;
  const values = saliency.dataSync();
  const result = new Float32Array(values.length);
  for (let n = 0; n < batch; n++) {
    const map = values.subarray(n * size, (n + 1) * size);
    const sorted = Float32Array.from(map).sort();
    const place = percentile * (size - 1);
    const below = Math.floor(place);
    const next = sorted[Math.min(below + 1, size - 1)]!;
    const [lo, hi] = [sorted[0]!, sorted[below]! + (place - below) * (next - sorted[below]!)];
    if (!(hi > lo)) continue;
    for (let i = 0; i < size; i++) result[n * size + i] = Math.min(1, Math.max(0, (map[i]! - lo) / (hi - lo)));
  }
  return tf.tensor3d(result, [batch, height, width]);
}

/**
 * Gaussian blur as scipy's: the kernel cut at 4 sigma, borders mirrored with the edge pixel repeated (abcddcba).
 * @param maps `[batch, height, width]`
 * @param sigma in pixels, above 0.
 */
export function blurMaps(maps: tf.Tensor3D, sigma: number): tf.Tensor3D {
  return tf.tidy(() => {
    const kernel = tf.tensor1d(gaussian(sigma));
    const radius = (kernel.size - 1) / 2;
    const reflected = (side: number) =>
      tf.tensor1d(
        Array.from({ length: side + 2 * radius }, (_, i) => reflect(i - radius, side)),
        'int32',
      );
    const [, height, width] = maps.shape;
    const padded = tf.gather(tf.gather(maps, reflected(height), 1), reflected(width), 2);
    const rows = tf.conv2d(
      tf.expandDims(padded, 3) as tf.Tensor4D,
      tf.reshape(kernel, [kernel.size, 1, 1, 1]) as tf.Tensor4D,
      1,
      'valid',
    );
    const both = tf.conv2d(rows, tf.reshape(kernel, [1, kernel.size, 1, 1]) as tf.Tensor4D, 1, 'valid');
    return tf.squeeze(both, [3]) as tf.Tensor3D;
  });
}

/** Weights of a Gaussian cut at 4 sigma, with sum 1. */
export function gaussian(sigma: number): number[] {
  const radius = Math.floor(4 * sigma + 0.5);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** The pixel that lies at a position beyond the border, the edge counted twice. */
export function reflect(position: number, side: number): number {
  const period = 2 * side;
  const wrapped = ((position % period) + period) % period;
  return wrapped < side ? wrapped : period - 1 - wrapped;
}

/** Outside the plus of 5 pixels, which is OpenCV's ellipse of size 3. */
const FAR = -1e9;
const PLUS = [FAR, 0, FAR, 0, 0, 0, FAR, 0, FAR];

/** Grey-scale opening with the plus: what is smaller than it disappears. Commutes with every threshold. */
export function openMaps(maps: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => {
    const element = tf.tensor3d(PLUS, [3, 3, 1]);
    const dilate = (x: tf.Tensor4D) => tf.dilation2d(x, element, 1, 'same');
    const eroded = tf.neg(dilate(tf.neg(tf.expandDims(maps, 3)) as tf.Tensor4D)) as tf.Tensor4D;
    return tf.squeeze(dilate(eroded), [3]) as tf.Tensor3D;
  });
}

/** `relu` whose backward pass also drops negative gradients (Springenberg et al. 2014). */
export const guidedRelu = tf.customGrad((...args: unknown[]) => {
  const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
  const y = tf.relu(x);
  save([y]);
  return {
    value: y,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(tf.relu(dy), tf.step(saved[0]!)),
  };
}) as (x: tf.Tensor) => tf.Tensor;

/** Sum over the channels of absolute values: `[batch, height, width, 3] -> [batch, height, width]`. */
export function absoluteSum(gradients: tf.Tensor4D): tf.Tensor3D {
  return tf.sum<tf.Tensor3D>(tf.abs(gradients), 3);
}
