import type * as tf from '@tensorflow/tfjs';
import type { NamedVariable } from './network.js';

/** Anything with trainable variables: a network, or a memory that a method keeps beside its networks. */
export interface ParameterSource {
  readonly trainable: readonly NamedVariable[];
}

/** One saved tensor of an optimizer. */
export interface OptimizerSlot {
  /** `<slot>/<variable's name>`, e.g. `m/encoder/conv1/kernel`; positions, not names, decide on restore. */
  readonly name: string;
  readonly tensor: tf.Tensor;
}

/** Everything an optimizer needs to continue exactly. */
export interface OptimizerState {
  readonly kind: string;
  /** Updates made so far. */
  readonly stepCount: number;
  /** In a fixed order; whoever asked for the state disposes the tensors. */
  readonly slots: readonly OptimizerSlot[];
}

/**
 * Moves a list of variables, fixed when it is created, along their gradients. It owns its slots until `dispose`, never
 * the variables.
 */
export interface Optimizer {
  readonly kind: 'adam' | 'rmsprop' | 'sgd';
  readonly variables: readonly NamedVariable[];
  /** Updates made so far. */
  readonly stepCount: number;
  /** Used by the next update; a method with a schedule sets it from the step position, so it is no part of the state. */
  learningRate: number;
  /**
   * One update. The caller keeps owning the gradients.
   * @param gradients one per variable, in the order of `variables`.
   */
  update(gradients: readonly tf.Tensor[]): void;
  /** Copies of the slots and the step count; the caller disposes the tensors. */
  state(): OptimizerState;
  /**
   * Continues from a saved state, exactly. The caller keeps owning the tensors.
   * @throws AdctlError `optimizer_state_mismatch` (user) when kind, number or shapes of the slots differ.
   */
  restore(state: OptimizerState): void;
  /** Frees the slots. */
  dispose(): void;
}
