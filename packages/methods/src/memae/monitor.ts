import * as tf from '@tensorflow/tfjs';
import type { MemoryRead } from './memory.js';

/**
 * What shows a memory dying or collapsing, as scalars of one batch: `deadQueries`, the fraction of queries without a
 * surviving slot (above 0.05 something is wrong); `activeSlots`, the mean number of slots a query reads; `usedSlots`,
 * the number of slots that any query of the batch reads. Constants: no gradient passes.
 */
export function monitorTerms({
  weights,
  dead,
}: MemoryRead): Record<'deadQueries' | 'activeSlots' | 'usedSlots', tf.Scalar> {
  const reads = tf.step(weights);
  return {
    deadQueries: tf.mean(dead),
    activeSlots: tf.mean(tf.sum(reads, 1)),
    usedSlots: tf.sum(tf.max(reads, 0)),
  };
}
