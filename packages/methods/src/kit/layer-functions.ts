import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { type BatchNormVariables, createBatchNorm, type PassMode } from './batch-norm.js';
import { biasAdd } from './bias-add.js';
import { instanceNorm } from './instance-norm.js';
import type { ActivationPlan, Conv2dPlan, DepthwiseConv2dPlan, Padding } from './network-plan.js';
import type { LayerSummary } from './network-summary.js';
import type { ParameterPlan } from './parameter-plan.js';
import { randomBernoulli } from './random-tensors.js';
import { scalar } from './scalars.js';

/**
 * What a layer computes; the result belongs to the caller.
 * @param other the second input of an `add`.
 */
export type LayerFunction = (x: tf.Tensor, mode: PassMode, other?: tf.Tensor) => tf.Tensor;

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
    case 'conv2d':
    case 'depthwiseConv2d':
      return (x) => withBias(convolve(plan, x as tf.Tensor4D, kernel as unknown as tf.Tensor4D));
    case 'maxPool2d':
      return (x) => {
        const [padded, padding] = padFor(plan.padding, x as tf.Tensor4D, LOWEST);
        return tf.maxPool(padded, plan.poolSize, plan.strides ?? plan.poolSize, padding);
      };
    case 'averagePool2d':
      return (x) => tf.avgPool(x as tf.Tensor4D, plan.poolSize, plan.poolSize, 'valid');
    case 'reflectPad':
      return (x) => reflectPad(x as tf.Tensor4D, plan.padding);
    case 'upsample':
      return (x) => {
        const [, height, width] = x.shape as [number, number, number, number];
        return tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [height * plan.factor, width * plan.factor]);
      };
    case 'instanceNorm':
      return (x) => instanceNorm(x as tf.Tensor4D, plan.epsilon ?? 1e-5);
    case 'globalAveragePool':
      return (x) => tf.mean(x, [1, 2]);
    case 'add':
      return (x, _mode, other) => tf.add(x, other!);
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

/** The lowest finite float32: padding that no maximum takes. */
const LOWEST = -3.4028234663852886e38;

/** A planned convolution with any kernel of its shape, without bias. */
export function convolve(plan: Conv2dPlan | DepthwiseConv2dPlan, x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
  const [padded, padding] = padFor(plan.padding, x, 0);
  const strides = plan.strides ?? 1;
  if (plan.kind === 'depthwiseConv2d') return tf.depthwiseConv2d(padded, kernel, strides, padding);
  const { dilation = 1 } = plan;
  return dilation > 1 ? convolveDilated(padded, kernel, dilation) : tf.conv2d(padded, kernel, strides, padding);
}

/**
 * A 'valid' convolution of stride 1 whose taps lie `dilation` pixels apart. The op's own dilation has no gradient; cut into
 * `dilation^2` interleaved pictures, neighbours are that far apart. Sides are filled up to a multiple; what that adds is cut off.
 */
function convolveDilated(x: tf.Tensor4D, kernel: tf.Tensor4D, dilation: number): tf.Tensor4D {
  const fill = (side: number): [number, number] => [0, (dilation - (side % dilation)) % dilation];
  const [fillY, fillX] = [fill(x.shape[1]), fill(x.shape[2])];
  const phases = tf.spaceToBatchND(x, [dilation, dilation], [fillY, fillX]);
  const convolved = tf.conv2d(phases as tf.Tensor4D, kernel, 1, 'valid');
  return tf.batchToSpaceND(convolved, [dilation, dilation], [fillY, fillX]) as tf.Tensor4D;
}

/** Mirrors about the border pixels; `prepareEngine` installs the gradient that TensorFlow.js gets wrong. */
function reflectPad(x: tf.Tensor4D, padding: number): tf.Tensor4D {
  const sides: [number, number] = [padding, padding];
  return tf.mirrorPad(x, [[0, 0], sides, sides, [0, 0]], 'reflect');
}

/** Padding by numbers is an op of its own: the native kernels' gradients know 'same' and 'valid' only. */
function padFor(padding: Padding, x: tf.Tensor4D, value: number): [tf.Tensor4D, 'same' | 'valid'] {
  if (typeof padding === 'string') return [x, padding];
  if (padding === 0) return [x, 'valid'];
  const sides: [number, number] = [padding, padding];
  return [tf.pad4d(x, [[0, 0], sides, sides, [0, 0]], value), 'valid'];
}

function activationFunction(plan: ActivationPlan): LayerFunction {
  switch (plan.activation) {
    case 'relu':
      return (x) => tf.relu(x);
    case 'relu6':
      return (x) => tf.relu6(x);
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
