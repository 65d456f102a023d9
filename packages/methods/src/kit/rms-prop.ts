import * as tf from '@tensorflow/tfjs';
import type { Optimizer, ParameterSource } from './optimizer.js';
import { createSlots, storeSlots } from './optimizer-slots.js';
import { scalar } from './scalars.js';
import { createOptimizer } from './update-rule.js';

export interface RmsPropOptions {
  readonly learningRate: number;
  /** Weight of the old mean square, default 0.9. */
  readonly decay?: number;
  /** Added inside the root, default 1e-10. */
  readonly epsilon?: number;
  /** What every mean square starts at, default 1: with 0 the first steps would be `1 / sqrt(1 - decay)` times as large. */
  readonly initialMeanSquare?: number;
}

/**
 * RMSProp as TensorFlow 1 has it, without momentum: `s <- decay s + (1 - decay) g^2`, then
 * `p <- p - learningRate g / sqrt(s + epsilon)`.
 */
export function createRmsProp(sources: readonly ParameterSource[], options: RmsPropOptions): Optimizer {
  const { decay = 0.9, epsilon = 1e-10, initialMeanSquare = 1 } = options;
  const variables = sources.flatMap((source) => source.trainable);
  const meanSquares = createSlots(variables, initialMeanSquare);

  return createOptimizer(variables, options.learningRate, {
    kind: 'rmsprop',
    slotNames: ['meanSquare'],
    ...storeSlots(meanSquares),
    update(gradients, learningRate) {
      const rate = tf.scalar(learningRate);
      for (const [i, { variable }] of variables.entries()) {
        const gradient = gradients[i]!;
        const slot = meanSquares[i]!;
        slot.assign(tf.add(tf.mul(slot, scalar(decay)), tf.mul(tf.square(gradient), scalar(1 - decay))));
        const direction = tf.mul(gradient, tf.rsqrt(tf.add(slot, scalar(epsilon))));
        variable.assign(tf.sub(variable, tf.mul(direction, rate)));
      }
    },
  });
}
