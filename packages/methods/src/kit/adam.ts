import * as tf from '@tensorflow/tfjs';
import { attribute, type NativeBackend, nativeBackend } from './native.js';
import type { NamedVariable } from './network.js';
import type { Optimizer, ParameterSource } from './optimizer.js';
import { createSlots, type SlotStore, storeSlots } from './optimizer-slots.js';
import { scalar } from './scalars.js';
import { createOptimizer } from './update-rule.js';

export interface AdamOptions {
  readonly learningRate: number;
  /** Decay of the first moment, default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment, default 0.999. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
}

/** How the moments are kept (all first, then all second) and moved; one implementation per backend. */
interface AdamEngine extends SlotStore {
  update(gradients: readonly tf.Tensor[], stepSize: number, epsilon: number): void;
}

/**
 * Adam as in the paper (Kingma and Ba 2015, algorithm 1):
 *
 *     m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
 *     p <- p - learningRate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * computed as `p - stepSize * m / (sqrt(v) + epsilon_t)` with `stepSize = learningRate sqrt(1 - beta2^t) / (1 - beta1^t)`
 * and `epsilon_t = epsilon sqrt(1 - beta2^t)`, both in float64. TensorFlow's own Adam leaves `epsilon` unscaled there
 * (its "epsilon hat"); ours agrees with PyTorch. On the native backend each variable takes one fused op and one read.
 *
 * State: the step count, then m and v of every variable by position; the powers of beta come from the step count, so a
 * resumed run continues bit for bit.
 */
export function createAdam(sources: readonly ParameterSource[], options: AdamOptions): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  const variables = sources.flatMap((source) => source.trainable);
  const native = nativeBackend();
  const engine =
    native === null ? composedEngine(variables, beta1, beta2) : fusedEngine(native, variables, beta1, beta2);

  return createOptimizer(variables, options.learningRate, {
    ...engine,
    kind: 'adam',
    slotNames: ['m', 'v'],
    update(gradients, learningRate, stepCount) {
      const correction = Math.sqrt(1 - beta2 ** stepCount);
      const stepSize = (learningRate * correction) / (1 - beta1 ** stepCount);
      engine.update(gradients, stepSize, epsilon * correction);
    },
  });
}

/** Ordinary ops, any backend. */
function composedEngine(variables: readonly NamedVariable[], beta1: number, beta2: number): AdamEngine {
  const first = createSlots(variables);
  const second = createSlots(variables);
  return {
    ...storeSlots([...first, ...second]),
    update(gradients, stepSize, epsilon) {
      const size = tf.scalar(stepSize);
      const offset = tf.scalar(epsilon);
      for (const [i, { variable }] of variables.entries()) {
        const g = gradients[i]!;
        const m = tf.add(tf.mul(first[i]!, scalar(beta1)), tf.mul(g, scalar(1 - beta1)));
        const v = tf.add(tf.mul(second[i]!, scalar(beta2)), tf.mul(tf.square(g), scalar(1 - beta2)));
        first[i]!.assign(m);
        second[i]!.assign(v);
        variable.assign(tf.sub(variable, tf.mul(tf.div(m, tf.add(tf.sqrt(v), offset)), size)));
      }
    },
  };
}

/** A TensorFlow resource variable per parameter and moment; names are global to the process. */
let nextResourceId = 0;

/**
 * ResourceApplyAdam on resource variables. Its own bias correction is switched off (both powers 0) because ours is
 * exact in float64, and `epsilon_t` goes in as its epsilon.
 */
function fusedEngine(
  native: NativeBackend,
  variables: readonly NamedVariable[],
  beta1: number,
  beta2: number,
): AdamEngine {
  const dtype = attribute.type(native, 'dtype', 'float32');
  const read = (handle: tf.Tensor) => native.executeSingleOutput('ReadVariableOp', [dtype], [handle]);
  const write = (handle: tf.Tensor, value: tf.Tensor) => {
    native.executeMultipleOutputs('AssignVariableOp', [dtype], [handle, value], 0);
  };
  const create = (value: tf.Tensor) => {
    const attributes = [
      dtype,
      attribute.shape(native, 'shape', value.shape),
      attribute.string(native, 'shared_name', `adctl_adam_${nextResourceId++}`),
      attribute.string(native, 'container', ''),
    ];
    const handle = tf.keep(native.executeSingleOutput('VarHandleOp', attributes, []));
    write(handle, value);
    return handle;
  };
  const createZeros = (like: tf.Tensor) => {
    const zeros = tf.zeros(like.shape);
    const handle = create(zeros);
    zeros.dispose();
    return handle;
  };

  const parameters = variables.map(({ variable }) => create(variable));
  const first = variables.map(({ variable }) => createZeros(variable));
  const second = variables.map(({ variable }) => createZeros(variable));
  /** What this engine last read into each variable; anything else there was written by somebody else, e.g. a restore. */
  const known: tf.DataId[] = variables.map(({ variable }) => variable.dataId);
  const attributes = [
    attribute.type(native, 'T', 'float32'),
    attribute.bool(native, 'use_locking', false),
    attribute.bool(native, 'use_nesterov', false),
  ];

  return {
    update(gradients, stepSize, epsilon) {
      const shared = [scalar(0), scalar(0), tf.scalar(stepSize), scalar(beta1), scalar(beta2), tf.scalar(epsilon)];
      for (const [i, { variable }] of variables.entries()) {
        const handle = parameters[i]!;
        if (variable.dataId !== known[i]) write(handle, variable);
        const inputs = [handle, first[i]!, second[i]!, ...shared, gradients[i]!];
        native.executeMultipleOutputs('ResourceApplyAdam', attributes, inputs, 0);
        variable.assign(read(handle));
        known[i] = variable.dataId;
      }
    },
    read: () => [...first, ...second].map(read),
    write: (tensors) => {
      for (const [i, handle] of [...first, ...second].entries()) write(handle, tensors[i]!);
    },
    dispose: () => {
      const attributesOfDestroy = [attribute.bool(native, 'ignore_lookup_error', true)];
      for (const handle of [...parameters, ...first, ...second]) {
        native.executeMultipleOutputs('DestroyResourceOp', attributesOfDestroy, [handle], 0);
        handle.dispose();
      }
    },
  };
}
