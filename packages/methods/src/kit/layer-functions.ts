import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { type BatchNormVariables, createBatchNorm, type PassMode } from './batch-norm.js';
import { biasAdd } from './bias-add.js';
import type { ActivationPlan, LayerSummary, ParameterPlan } from './network-plan.js';
import { randomBernoulli } from './random-tensors.js';
import { scalar } from './scalars.js';

/** What a layer computes; the result belongs to the caller. */
export type LayerFunction = (x: tf.Tensor, mode: PassMode) => tf.Tensor;

/** What a layer computes with. */
export interface LayerParts {
  readonly variables: Readonly<Partial<Record<ParameterPlan['name'], tf.Variable>>>;
  /** Kernel of the dense layer this one is tied to, `[units, in]`. */
  readonly tiedKernel: tf.Variable | null;
  /** Stream of the dropout masks. */
  readonly generator: RandomGenerator;
}

/** The computation of one planned layer on its variables. */
export function createLayerFunction(layer: LayerSummary, parts: LayerParts): LayerFunction {
  const { plan } = layer;
  const { kernel, bias } = parts.variables;
  const withBias = (y: tf.Tensor) => (bias === undefined ? y : biasAdd(y, bias));
  switch (plan.kind) {
    case 'dense': {
      const { tiedKernel } = parts;
      if (tiedKernel !== null) return (x) => withBias(tf.matMul(x, tiedKernel, false, true));
      return (x) => withBias(tf.matMul(x, kernel!));
    }
    case 'conv2d': {
      const filter = kernel as unknown as tf.Tensor4D;
      return (x) => withBias(tf.conv2d(x as tf.Tensor4D, filter, plan.strides ?? 1, plan.padding));
    }
    case 'conv2dTranspose': {
      const filter = kernel as unknown as tf.Tensor4D;
      const [height, width, filters] = layer.outputShape as [number, number, number];
      return (x) =>
        withBias(
          tf.conv2dTranspose(
            x as tf.Tensor4D,
            filter,
            [x.shape[0]!, height, width, filters],
            plan.strides ?? 1,
            plan.padding,
          ),
        );
    }
    case 'batchNorm':
      return createBatchNorm(parts.variables as unknown as BatchNormVariables, {
        momentum: plan.momentum ?? 0.9,
        epsilon: plan.epsilon ?? 1e-5,
      });
    case 'activation':
      return activationFunction(plan);
    case 'flatten':
    case 'reshape':
      return (x) => tf.reshape(x, [x.shape[0]!, ...layer.outputShape]);
    case 'dropout':
      return (x, mode) => {
        if (mode === 'infer' || plan.rate === 0) return x.clone();
        const keep = 1 - plan.rate;
        return tf.mul(tf.mul(x, randomBernoulli(parts.generator, x.shape, keep)), scalar(1 / keep));
      };
  }
}

function activationFunction(plan: ActivationPlan): LayerFunction {
  switch (plan.activation) {
    case 'relu':
      return (x) => tf.relu(x);
    case 'leakyRelu': {
      const slope = plan.slope ?? 0.2;
      return (x) => tf.leakyRelu(x, slope);
    }
    case 'sigmoid':
      return (x) => tf.sigmoid(x);
    case 'tanh':
      return (x) => tf.tanh(x);
  }
}
