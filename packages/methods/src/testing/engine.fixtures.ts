import { Flavour, loadEngine, parseEngineEnvironment } from '@adctl/engine';
import * as tf from '@tensorflow/tfjs';
import { prepareEngine } from '../kit/prepare-engine.js';

/** `ADCTL_TEST_FLAVOUR=gpu` runs the tests of this package on a GPU. */
const FLAVOUR = Flavour.parse(process.env.ADCTL_TEST_FLAVOUR ?? 'cpu');
export const IS_ON_GPU = FLAVOUR === 'gpu';

/**
 * How far a deep network's output may be off for an image among others, as a share of its deviation. A GPU takes another
 * algorithm for another batch size, and random layers multiply the difference: 3 % after all those of EfficientNet-Lite0.
 */
export const BATCH_TOLERANCE = IS_ON_GPU ? 0.1 : 1e-5;

/**
 * Makes native TensorFlow on one thread the backend of this test process. Call it in `beforeAll`; later calls return
 * to the same engine.
 */
export async function useNativeEngine(): Promise<void> {
  const { cacheDir } = parseEngineEnvironment(process.env);
  await loadEngine({ flavour: FLAVOUR, threads: 1, cacheDir });
  prepareEngine();
  await tf.setBackend('tensorflow');
}

/** Makes the plain JavaScript backend the one of this process, for the branches that native TensorFlow does not take. */
export async function useJavaScriptBackend(): Promise<void> {
  prepareEngine();
  await tf.setBackend('cpu');
}

/** Largest absolute difference of two tensors' values. */
export function maxDifference(a: tf.Tensor, b: tf.Tensor): number {
  const x = Array.from(a.dataSync());
  const y = Array.from(b.dataSync());
  if (x.length !== y.length) return Number.POSITIVE_INFINITY;
  return x.reduce((worst, value, i) => Math.max(worst, Math.abs(value - y[i]!)), 0);
}

/** A tensor of fixed, irregular values in about [-2, 2], equal on every backend. */
export function waves(shape: number[], phase = 0): tf.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = Float32Array.from({ length: size }, (_, i) => 2 * Math.sin(1.7 * i + phase) * Math.cos(0.37 * i * i));
  return tf.tensor(values, shape, 'float32');
}

/**
 * Relative error between the gradient of `f` at `x` and central differences, along three fixed directions.
 * @param step length of the difference; float32 leaves about 1e-3 of relative noise at 1e-2 and values near 1.
 */
export function gradientError(f: (x: tf.Tensor) => tf.Scalar, x: tf.Tensor, step = 1e-2): number {
  return tf.tidy(() => {
    const gradient = tf.grad(f)(x);
    const errors = [0.3, 1.1, 2.9].map((phase) => {
      const direction = waves(x.shape, phase);
      const analytic = tf.sum(tf.mul(gradient, direction)).dataSync()[0]!;
      const at = (h: number) => f(tf.add(x, tf.mul(direction, h))).dataSync()[0]!;
      const numeric = (at(step) - at(-step)) / (2 * step);
      return Math.abs(analytic - numeric) / Math.max(0.1, Math.abs(numeric));
    });
    return Math.max(...errors);
  });
}
