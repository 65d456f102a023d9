import type { LayerSummary } from '../kit/network-summary.js';
import type { ParameterPlan } from '../kit/parameter-plan.js';
import { sizeOf } from '../kit/shapes.js';

/** PyTorch's names for what a layer owns; a batch normalisation's scale and shift are its weight and bias. */
const SUFFIX: Readonly<Record<ParameterPlan['name'], string>> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  movingMean: 'running_mean',
  movingVariance: 'running_var',
};

/** The tensor of a parameter in a PyTorch file. */
export function torchNameOf({ plan }: LayerSummary, { name }: ParameterPlan): string {
  return `${plan.name}.${SUFFIX[name]}`;
}

/** Which of our axes each of PyTorch's is: OIHW from HWIO, [C, 1, k, k] from [k, k, C, 1], [out, in] from [in, out]. */
function torchAxes({ plan }: LayerSummary, { name, shape }: ParameterPlan): readonly number[] {
  if (name !== 'kernel') return [0];
  if (plan.kind === 'depthwiseConv2d') return [2, 3, 0, 1];
  return shape.length === 4 ? [3, 2, 0, 1] : [1, 0];
}

/** The shape of a parameter in a PyTorch file. */
export function torchShapeOf(layer: LayerSummary, parameter: ParameterPlan): readonly number[] {
  return torchAxes(layer, parameter).map((axis) => parameter.shape[axis]!);
}

/**
 * Values in PyTorch's layout to ours. Kernels are not flipped: both libraries correlate.
 * @param values row-major, of shape `torchShapeOf(layer, parameter)`.
 * @returns row-major, of the parameter's shape.
 */
export function fromTorchLayout(values: Float32Array, layer: LayerSummary, parameter: ParameterPlan): Float32Array {
  const { shape } = parameter;
  const axes = torchAxes(layer, parameter);
  const torchStrides = stridesOf(torchShapeOf(layer, parameter));
  // Stride in PyTorch's layout of each of our axes.
  const strides = shape.map((_, axis) => torchStrides[axes.indexOf(axis)]!);
  const result = new Float32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let source = 0;
  for (let target = 0; target < result.length; target++) {
    result[target] = values[source]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}
