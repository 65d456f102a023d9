import * as tf from '@tensorflow/tfjs';

/**
 * Mean Euclidean distance to the m nearest entries (spec, "Inference"), from `|z|^2 - 2 z.c + |c|^2`, never below 0.
 * @param codes `[count, components]`
 * @param dictionary `[entries, components]`
 * @returns `[count]`
 */
export function nearestDistances(codes: tf.Tensor2D, dictionary: tf.Tensor2D, neighbours: number): tf.Tensor1D {
  return tf.tidy(() => {
    const products = tf.matMul(codes, dictionary, false, true);
    const lengths = tf.add(tf.sum(tf.square(codes), 1, true), tf.reshape(tf.sum(tf.square(dictionary), 1), [1, -1]));
    const distances = tf.sqrt(tf.relu(tf.sub(lengths, tf.add(products, products))));
    if (neighbours === 1) return tf.min(distances, 1);
    return tf.neg(tf.mean(tf.topk(tf.neg(distances), neighbours).values, 1));
  });
}
