import { userError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import type { NamedVariable } from './network.js';
import type { OptimizerSlot, OptimizerState } from './optimizer.js';

/** Tensors that outlive an update: moving averages, by slot and then by variable. */
export interface SlotStore {
  /** Fresh copies, which the caller disposes. */
  read(): tf.Tensor[];
  /** Replaces all content; the caller keeps owning the tensors. */
  write(tensors: readonly tf.Tensor[]): void;
  dispose(): void;
}

/** An untrained variable per parameter, filled with a value: the moving averages of an optimizer. */
export function createSlots(variables: readonly NamedVariable[], value = 0): tf.Variable[] {
  return variables.map(({ variable }) => {
    const initial = tf.fill(variable.shape, value);
    const slot = tf.variable(initial, false);
    initial.dispose();
    return slot;
  });
}

/** Slots that live in TensorFlow.js variables, on any backend. */
export function storeSlots(slots: readonly tf.Variable[]): SlotStore {
  return {
    read: () => slots.map((slot) => slot.clone()),
    write(tensors) {
      for (const [i, slot] of slots.entries()) slot.assign(tensors[i]!);
    },
    dispose() {
      for (const slot of slots) slot.dispose();
    },
  };
}

/** Names the tensors of all slots, by slot and then by variable, after both. */
export function nameSlots(
  slotNames: readonly string[],
  variables: readonly NamedVariable[],
  tensors: readonly tf.Tensor[],
): OptimizerSlot[] {
  const names = slotNames.flatMap((slot) => variables.map((variable) => `${slot}/${variable.name}`));
  return tensors.map((tensor, i) => ({ name: names[i]!, tensor }));
}

/** Refuses a saved state that cannot belong to this optimizer, naming the first difference. */
export function assertStateFits(
  state: OptimizerState,
  kind: string,
  variables: readonly NamedVariable[],
  slotNames: readonly string[],
): void {
  const refuse = (reason: string) =>
    userError('optimizer_state_mismatch', `the saved optimizer state does not fit: ${reason}`, {
      hint: 'Restore it into a model made from the same hyperparameters and image shape.',
    });
  if (state.kind !== kind) throw refuse(`it is of kind '${state.kind}', this optimizer is '${kind}'`);
  const expected = slotNames.length * variables.length;
  if (state.slots.length !== expected) throw refuse(`it has ${state.slots.length} slots, this optimizer ${expected}`);
  for (const [i, saved] of state.slots.entries()) {
    const owner = variables[i % variables.length]!;
    if (saved.tensor.shape.join() !== owner.variable.shape.join()) {
      throw refuse(`'${saved.name}' has shape [${saved.tensor.shape}], '${owner.name}' [${owner.variable.shape}]`);
    }
  }
}
