import * as tf from '@tensorflow/tfjs';
import type { Optimizer, ParameterSource } from './optimizer.js';
import { assertStateFits, createSlots, nameSlots } from './optimizer-slots.js';
import { scalar } from './scalars.js';

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
  const slotNames = momentum === 0 ? [] : ['velocity'];
  let stepCount = 0;

  return {
    kind: 'sgd',
    variables,
    learningRate: options.learningRate,
    get stepCount() {
      return stepCount;
    },
    update(gradients) {
      stepCount++;
      tf.tidy(() => {
        const rate = tf.scalar(this.learningRate);
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
      });
    },
    state: () => ({
      kind: 'sgd',
      stepCount,
      slots: nameSlots(
        'velocity',
        variables,
        velocities.map((velocity) => velocity.clone()),
      ),
    }),
    restore(state) {
      assertStateFits(state, 'sgd', variables, slotNames);
      for (const [i, velocity] of velocities.entries()) velocity.assign(state.slots[i]!.tensor);
      stepCount = state.stepCount;
    },
    dispose() {
      for (const velocity of velocities) velocity.dispose();
    },
  };
}
