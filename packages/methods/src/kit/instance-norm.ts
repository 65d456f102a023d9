import * as tf from '@tensorflow/tfjs';
import { isRecordingGradient } from './native.js';
import { scalar } from './scalars.js';

/**
 * Instance normalisation without scale and shift: every channel of every image minus its mean, divided by
 * `sqrt(variance + epsilon)`, with the biased variance over its positions.
 *
 * @param x `[batch, height, width, channels]`.
 */
export function instanceNorm(x: tf.Tensor4D, epsilon: number): tf.Tensor4D {
  return withGradient(x, scalar(epsilon)) as tf.Tensor4D;
}

/** `dx = (dy - mean(dy) - y mean(dy y)) / deviation`: six ops, where the tape would take some twenty. */
const withGradient = tf.customGrad((...args: unknown[]) => {
  const [x, epsilon, save] = args as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
  const [y, inverse] = normalise(x, epsilon);
  save([x, epsilon, y, inverse]);
  return {
    value: y,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [input, offset, output, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      // What was saved is a constant to an outer tape, so it is computed again while one records.
      const [value, factor] = isRecordingGradient() ? normalise(input, offset) : [output, scale];
      const centred = tf.sub(dy, tf.mean(dy, [1, 2], true));
      const projected = tf.mul(value, tf.mean(tf.mul(dy, value), [1, 2], true));
      return [tf.mul(tf.sub(centred, projected), factor), tf.zerosLike(offset)];
    },
  };
}) as (x: tf.Tensor, epsilon: tf.Tensor) => tf.Tensor;

function normalise(x: tf.Tensor, epsilon: tf.Tensor): [y: tf.Tensor, inverseDeviation: tf.Tensor] {
  const centred = tf.sub(x, tf.mean(x, [1, 2], true));
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), [1, 2], true), epsilon));
  return [tf.mul(centred, inverse), inverse];
}
