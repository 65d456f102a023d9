import * as tf from '@tensorflow/tfjs';
import type { Optimizer, ParameterSource } from './optimizer.js';
import { createSlots, storeSlots } from './optimizer-slots.js';
import { scalar } from './scalars.js';
import { createOptimizer } from './update-rule.js';

export interface SgdOptions {
  readonly learningRate: number;
  /** Weight of the old velocity, default 0 (plain gradient descent). */
  readonly momentum?: number;
  /** Whether the step looks ahead along the velocity (Nesterov), default false. */
  readonly nesterov?: boolean;
}

/**
 * Gradient descent with momentum, as PyTorch defines it: `v <- momentum v + g`, then `p <- p - learningRate v`, or with
 * Nesterov `p <- p - learningRate (g + momentum v)`. The learning rate stays outside the velocity, so changing it
 * takes effect at once.
 */
export function createSgd(sources: readonly ParameterSource[], options: SgdOptions): Optimizer {
  const { momentum = 0, nesterov = false } = options;
  const variables = sources.flatMap((source) => source.trainable);
  const velocities = momentum === 0 ? [] : createSlots(variables);

  return createOptimizer(variables, options.learningRate, {
    kind: 'sgd',
    slotNames: momentum === 0 ? [] : ['velocity'],
    ...storeSlots(velocities),
    update(gradients, learningRate) {
      const rate = tf.scalar(learningRate);
      for (const [i, { variable }] of variables.entries()) {
        let direction = gradients[i]!;
        const velocity = velocities[i];
        if (velocity !== undefined) {
          const moved = tf.add(tf.mul(velocity, scalar(momentum)), direction);
          velocity.assign(moved);
          direction = nesterov ? tf.add(direction, tf.mul(moved, scalar(momentum))) : moved;
        }
        variable.assign(tf.sub(variable, tf.mul(direction, rate)));
      }
    },
  });
}
