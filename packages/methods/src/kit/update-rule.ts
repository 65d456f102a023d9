import * as tf from '@tensorflow/tfjs';
import type { NamedVariable } from './network.js';
import type { Optimizer } from './optimizer.js';
import { assertStateFits, nameSlots, type SlotStore } from './optimizer-slots.js';

/** What tells one optimizer from another: which slots it keeps beside the variables, and how it moves both. */
export interface UpdateRule extends SlotStore {
  readonly kind: Optimizer['kind'];
  /** The slots of one variable, in the order of the store: all of the first, then all of the second. */
  readonly slotNames: readonly string[];
  /**
   * Moves slots and variables along the gradients.
   * @param stepCount updates made, this one included: 1 at the first.
   */
  update(gradients: readonly tf.Tensor[], learningRate: number, stepCount: number): void;
}

/** An optimizer that follows a rule: counts its steps, saves and restores its slots. */
export function createOptimizer(
  variables: readonly NamedVariable[],
  learningRate: number,
  rule: UpdateRule,
): Optimizer {
  const { kind, slotNames } = rule;
  let stepCount = 0;

  return {
    kind,
    variables,
    learningRate,
    get stepCount() {
      return stepCount;
    },
    update(gradients) {
      stepCount++;
      tf.tidy(() => rule.update(gradients, this.learningRate, stepCount));
    },
    state: () => ({ kind, stepCount, slots: nameSlots(slotNames, variables, rule.read()) }),
    restore(state) {
      assertStateFits(state, kind, variables, slotNames);
      rule.write(state.slots.map((slot) => slot.tensor));
      stepCount = state.stepCount;
    },
    dispose: rule.dispose,
  };
}
