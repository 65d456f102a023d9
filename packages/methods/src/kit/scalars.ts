import * as tf from '@tensorflow/tfjs';

const cache = new Map<number, tf.Scalar>();

/**
 * A kept float32 scalar, made once per value: a literal in `tf.mul(x, 0.5)` would be created, uploaded and freed at
 * every call. For values from a fixed set only (hyperparameters, constants), never for something that changes by step.
 * Nobody but `disposeScalars` disposes it.
 */
export function scalar(value: number): tf.Scalar {
  const cached = cache.get(value);
  if (cached !== undefined && !cached.isDisposed) return cached;
  const created = tf.keep(tf.scalar(value));
  cache.set(value, created);
  return created;
}

/** Frees every cached scalar; later calls make new ones. A worker calls it when a trial ends. */
export function disposeScalars(): void {
  for (const tensor of cache.values()) tensor.dispose();
  cache.clear();
}
