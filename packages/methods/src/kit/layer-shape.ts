import type { Conv2dPlan, Conv2dTransposePlan, LayerPlan, NetworkPlan, Padding } from './network-plan.js';
import { batchNormParameters, biasOf, kernelOf, type ParameterPlan } from './parameter-plan.js';
import { planError } from './plan-error.js';
import { sizeOf } from './shapes.js';

/**
 * What one layer makes of an input, and the tensors it owns for it.
 *
 * @param input shape without batch.
 * @throws AdctlError `network_plan_invalid` (bug) naming network and layer when the layer cannot take that input.
 */
export function inferLayer(
  network: NetworkPlan,
  plan: LayerPlan,
  input: readonly number[],
): { outputShape: readonly number[]; parameters: readonly ParameterPlan[] } {
  switch (plan.kind) {
    case 'dense': {
      if (input.length !== 1) throw planError(network, plan, `needs a flat input, got [${input}]`);
      const fanIn = input[0]!;
      const fans = { fanIn, fanOut: plan.units };
      const kernel = plan.tiedTo ? [] : [kernelOf(plan, [fanIn, plan.units], fans)];
      return { outputShape: [plan.units], parameters: [...kernel, ...biasOf(plan, plan.units, fans)] };
    }
    case 'conv2d':
    case 'conv2dTranspose': {
      const [height, width, channels] = imageShape(network, plan, input);
      const { filters, kernelSize: k } = plan;
      const fans = { fanIn: k * k * channels, fanOut: k * k * filters };
      const transposed = plan.kind === 'conv2dTranspose';
      const side = (size: number) => (transposed ? transposedSide(plan, size) : convolvedSide(network, plan, size));
      const kernelShape = transposed ? [k, k, filters, channels] : [k, k, channels, filters];
      const size = transposed ? chosenSize(network, plan, [height, width]) : undefined;
      return {
        outputShape: [...(size ?? [side(height), side(width)]), filters],
        parameters: [kernelOf(plan, kernelShape, fans), ...biasOf(plan, filters, fans)],
      };
    }
    case 'depthwiseConv2d': {
      const [height, width, channels] = imageShape(network, plan, input);
      const { kernelSize: k } = plan;
      const fans = { fanIn: k * k, fanOut: k * k };
      const side = (size: number) => windowedSide(plan, k, plan.strides ?? 1, size);
      return {
        outputShape: [side(height), side(width), channels],
        parameters: [kernelOf(plan, [k, k, channels, 1], fans), ...biasOf(plan, channels, fans)],
      };
    }
    case 'maxPool2d': {
      const [height, width, channels] = imageShape(network, plan, input);
      const side = (size: number) => windowedSide(plan, plan.poolSize, plan.strides ?? plan.poolSize, size);
      return { outputShape: [side(height), side(width), channels], parameters: [] };
    }
    case 'averagePool2d': {
      const [height, width, channels] = imageShape(network, plan, input);
      const side = (size: number) => Math.floor(size / plan.poolSize);
      return { outputShape: [side(height), side(width), channels], parameters: [] };
    }
    case 'reflectPad': {
      const [height, width, channels] = imageShape(network, plan, input);
      if (plan.padding >= Math.min(height, width)) {
        throw planError(network, plan, `cannot mirror ${plan.padding} pixels of [${input}]`);
      }
      return { outputShape: [height + 2 * plan.padding, width + 2 * plan.padding, channels], parameters: [] };
    }
    case 'upsample': {
      const [height, width, channels] = imageShape(network, plan, input);
      return { outputShape: [height * plan.factor, width * plan.factor, channels], parameters: [] };
    }
    case 'instanceNorm':
      return { outputShape: imageShape(network, plan, input), parameters: [] };
    case 'globalAveragePool':
      return { outputShape: [imageShape(network, plan, input)[2]], parameters: [] };
    case 'add':
      return { outputShape: input, parameters: [] };
    case 'batchNorm':
      return { outputShape: input, parameters: batchNormParameters(plan, input.at(-1) ?? 0) };
    case 'flatten':
      return { outputShape: [sizeOf(input)], parameters: [] };
    case 'reshape':
      if (sizeOf(plan.shape) !== sizeOf(input)) {
        throw planError(network, plan, `cannot turn [${input}] into [${plan.shape}]`);
      }
      return { outputShape: plan.shape, parameters: [] };
    case 'dropout':
      if (!(plan.rate >= 0 && plan.rate < 1)) throw planError(network, plan, `rate ${plan.rate} is not in [0, 1)`);
      return { outputShape: input, parameters: [] };
    case 'activation':
      return { outputShape: input, parameters: [] };
  }
}

function imageShape(network: NetworkPlan, plan: LayerPlan, input: readonly number[]): [number, number, number] {
  if (input.length === 3) return input as [number, number, number];
  throw planError(network, plan, `needs [height, width, channels], got [${input}]`);
}

/** How many windows of side `k` fit along a side. */
function windowedSide({ padding }: { readonly padding: Padding }, k: number, strides: number, size: number): number {
  if (padding === 'same') return Math.ceil(size / strides);
  return Math.floor((size + 2 * (padding === 'valid' ? 0 : padding) - k) / strides) + 1;
}

function convolvedSide(network: NetworkPlan, plan: Conv2dPlan, size: number): number {
  const { strides = 1, dilation = 1 } = plan;
  if (dilation > 1 && (strides > 1 || plan.padding === 'same')) {
    throw planError(network, plan, "dilation needs stride 1 and padding other than 'same'");
  }
  return windowedSide(plan, (plan.kernelSize - 1) * dilation + 1, strides, size);
}

function transposedSide(plan: Conv2dTransposePlan, size: number): number {
  const strides = plan.strides ?? 1;
  return plan.padding === 'same' ? size * strides : (size - 1) * strides + plan.kernelSize;
}

/** The output size a plan states, once a convolution of its stride is known to lead back from it. */
function chosenSize(
  network: NetworkPlan,
  plan: Conv2dTransposePlan,
  input: readonly number[],
): readonly [number, number] | undefined {
  const { outputSize, padding, strides = 1 } = plan;
  if (outputSize === undefined) return undefined;
  if (padding === 'same' && outputSize.every((side, i) => Math.ceil(side / strides) === input[i])) return outputSize;
  throw planError(
    network,
    plan,
    `no '${padding}' convolution of stride ${strides} takes [${outputSize}] to [${input}]`,
  );
}
