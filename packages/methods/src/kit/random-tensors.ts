import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { attribute, nativeBackend } from './native.js';
import { scalar } from './scalars.js';
import { sizeOf } from './shapes.js';

/**
 * N(0, 1) draws, float32, of this shape. On the native backend the generator gives a 64-bit key and TensorFlow's
 * stateless op the values (Philox, the same for any thread count); elsewhere the generator fills the values itself. Both
 * repeat exactly from the generator's state, but the two backends draw different numbers.
 */
export function randomNormal<R extends tf.Rank = tf.Rank>(
  generator: RandomGenerator,
  shape: tf.ShapeMap[R],
): tf.Tensor<R> {
  return (
    stateless('StatelessRandomNormal', generator, shape) ??
    tf.tensor(generator.fillNormal(new Float32Array(sizeOf(shape))), shape, 'float32')
  );
}

/** Uniform draws in [low, high), float32, of this shape; as `randomNormal`. */
export function randomUniform<R extends tf.Rank = tf.Rank>(
  generator: RandomGenerator,
  shape: tf.ShapeMap[R],
  low = 0,
  high = 1,
): tf.Tensor<R> {
  return tf.tidy(() => {
    const unit = stateless<R>('StatelessRandomUniform', generator, shape);
    if (unit === null) {
      return tf.tensor(generator.fillUniform(new Float32Array(sizeOf(shape)), low, high), shape, 'float32');
    }
    const scaled = high - low === 1 ? unit : tf.mul(unit, scalar(high - low));
    return (low === 0 ? scaled : tf.add(scaled, scalar(low))) as tf.Tensor<R>;
  });
}

/** Ones with this probability, zeros otherwise, float32, of this shape. */
export function randomBernoulli<R extends tf.Rank = tf.Rank>(
  generator: RandomGenerator,
  shape: tf.ShapeMap[R],
  probability: number,
): tf.Tensor<R> {
  return tf.tidy(() => tf.cast(tf.less(randomUniform<R>(generator, shape), scalar(probability)), 'float32'));
}

function stateless<R extends tf.Rank>(
  op: 'StatelessRandomNormal' | 'StatelessRandomUniform',
  generator: RandomGenerator,
  shape: readonly number[],
): tf.Tensor<R> | null {
  const native = nativeBackend();
  if (native === null) return null;
  const key = Int32Array.of(generator.uint32() | 0, generator.uint32() | 0);
  const attributes = [
    attribute.type(native, 'dtype', 'float32'),
    attribute.type(native, 'T', 'int32'),
    attribute.type(native, 'Tseed', 'int32'),
  ];
  const sizes = tf.tensor1d(Int32Array.from(shape), 'int32');
  const seed = tf.tensor1d(key, 'int32');
  const drawn = native.executeSingleOutput(op, attributes, [sizes, seed]);
  sizes.dispose();
  seed.dispose();
  return drawn as tf.Tensor<R>;
}
