import { AdctlError } from '@adctl/protocol';

/** How a parameter gets its first values. Fans count receptive field x channels, also for transposed convolutions. */
export type InitializerPlan =
  /** N(mean, sd^2); mean 0 unless given (batch-norm scales use mean 1). */
  | { readonly kind: 'normal'; readonly sd: number; readonly mean?: number }
  /** Uniform in +-sqrt(6 / (fanIn + fanOut)). */
  | { readonly kind: 'glorotUniform' }
  /** Uniform in +-sqrt(6 / fanIn). */
  | { readonly kind: 'heUniform' }
  /** N(0, 2 / fanIn). */
  | { readonly kind: 'heNormal' }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' };

export type Padding = 'same' | 'valid';

interface LayerBase {
  /** Unique within its network; part of every parameter's name, so renaming one breaks old checkpoints. */
  readonly name: string;
  /** Shape this layer is fed (without batch), when it is not the previous layer's output: nets wired by hand. */
  readonly inputShape?: readonly number[];
}

/** `[batch, in] -> [batch, units]`, kernel `[in, units]`. */
export interface DensePlan extends LayerBase {
  readonly kind: 'dense';
  readonly units: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default glorotUniform. */
  readonly kernelInitializer?: InitializerPlan;
  /** Default zeros. */
  readonly biasInitializer?: InitializerPlan;
  /** Uses the transposed kernel of that dense layer instead of an own one; only the bias is a parameter here. */
  readonly tiedTo?: { readonly network: string; readonly layer: string };
}

interface ConvolutionBase extends LayerBase {
  readonly filters: number;
  /** Side of the square kernel. */
  readonly kernelSize: number;
  /** Same in both directions, default 1. */
  readonly strides?: number;
  readonly padding: Padding;
  /** Default true. */
  readonly bias?: boolean;
  /** Default glorotUniform. */
  readonly kernelInitializer?: InitializerPlan;
  /** Default zeros. */
  readonly biasInitializer?: InitializerPlan;
}

/** `[batch, h, w, in] -> [batch, h', w', filters]`, kernel `[k, k, in, filters]`. */
export interface Conv2dPlan extends ConvolutionBase {
  readonly kind: 'conv2d';
}

/** Transposed convolution: 'same' multiplies the side by the stride, 'valid' gives `(side - 1) * stride + k`; kernel `[k, k, filters, in]`. */
export interface Conv2dTransposePlan extends ConvolutionBase {
  readonly kind: 'conv2dTranspose';
}

/** Normalises over all axes but the last. */
export interface BatchNormPlan extends LayerBase {
  readonly kind: 'batchNorm';
  /** Weight of the old moving average, default 0.9. */
  readonly momentum?: number;
  /** Default 1e-5. */
  readonly epsilon?: number;
  /** Initial scale, default ones. */
  readonly gammaInitializer?: InitializerPlan;
}

export interface ActivationPlan extends LayerBase {
  readonly kind: 'activation';
  readonly activation: 'relu' | 'leakyRelu' | 'sigmoid' | 'tanh';
  /** Slope below zero of leakyRelu, default 0.2. */
  readonly slope?: number;
}

export interface FlattenPlan extends LayerBase {
  readonly kind: 'flatten';
}

export interface ReshapePlan extends LayerBase {
  readonly kind: 'reshape';
  /** New shape without batch, same number of elements. */
  readonly shape: readonly number[];
}

/** Inverted dropout, active in both train modes. */
export interface DropoutPlan extends LayerBase {
  readonly kind: 'dropout';
  /** Fraction of elements set to zero, in [0, 1). */
  readonly rate: number;
}

export type LayerPlan =
  | DensePlan
  | Conv2dPlan
  | Conv2dTransposePlan
  | BatchNormPlan
  | ActivationPlan
  | FlattenPlan
  | ReshapePlan
  | DropoutPlan;

/** A network as plain data: what `adctl methods show` counts and what `createNetwork` builds. */
export interface NetworkPlan {
  /** Unique within its model. */
  readonly name: string;
  /** Input shape without batch: `[features]` or `[height, width, channels]`. */
  readonly input: readonly number[];
  readonly layers: readonly LayerPlan[];
}

/** One tensor a layer owns. */
export interface ParameterPlan {
  readonly name: 'kernel' | 'bias' | 'gamma' | 'beta' | 'movingMean' | 'movingVariance';
  readonly shape: readonly number[];
  readonly initializer: InitializerPlan;
  readonly trainable: boolean;
  /** Inputs and outputs a single weight connects, for the uniform initializers. */
  readonly fanIn: number;
  readonly fanOut: number;
}

/** A layer with its shapes inferred. */
export interface LayerSummary {
  readonly plan: LayerPlan;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly parameters: readonly ParameterPlan[];
  /** Number of trainable scalars. */
  readonly trainable: number;
  /** Number of scalars that training updates without a gradient (moving averages). */
  readonly nonTrainable: number;
}

export interface NetworkSummary {
  readonly name: string;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly layers: readonly LayerSummary[];
  readonly trainable: number;
  readonly nonTrainable: number;
}

/**
 * Infers every shape and counts every parameter of a network, without a tensor library.
 *
 * @throws AdctlError `network_plan_invalid` (bug) naming network and layer: repeated name, impossible shape or size.
 */
export function summarizeNetwork(plan: NetworkPlan): NetworkSummary {
  const seen = new Set<string>();
  const layers: LayerSummary[] = [];
  let shape = plan.input;
  for (const layer of plan.layers) {
    if (seen.has(layer.name)) throw planError(plan, layer, 'the name is used twice');
    seen.add(layer.name);
    const summary = summarizeLayer(plan, layer, layer.inputShape ?? shape);
    layers.push(summary);
    shape = summary.outputShape;
  }
  const total = (key: 'trainable' | 'nonTrainable') => layers.reduce((sum, layer) => sum + layer[key], 0);
  return {
    name: plan.name,
    input: plan.input,
    output: shape,
    layers,
    trainable: total('trainable'),
    nonTrainable: total('nonTrainable'),
  };
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

const ZEROS: InitializerPlan = { kind: 'zeros' };
const ONES: InitializerPlan = { kind: 'ones' };
const GLOROT: InitializerPlan = { kind: 'glorotUniform' };

function summarizeLayer(network: NetworkPlan, plan: LayerPlan, inputShape: readonly number[]): LayerSummary {
  const { outputShape, parameters } = inferLayer(network, plan, inputShape);
  if (outputShape.some((side) => !Number.isInteger(side) || side < 1)) {
    throw planError(network, plan, `input [${inputShape}] gives the impossible output [${outputShape}]`);
  }
  const count = (trainable: boolean) =>
    parameters.reduce((sum, p) => sum + (p.trainable === trainable ? sizeOf(p.shape) : 0), 0);
  return { plan, inputShape, outputShape, parameters, trainable: count(true), nonTrainable: count(false) };
}

function inferLayer(
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
      if (input.length !== 3) throw planError(network, plan, `needs [height, width, channels], got [${input}]`);
      const [height, width, channels] = input as [number, number, number];
      const { filters, kernelSize: k } = plan;
      const fans = { fanIn: k * k * channels, fanOut: k * k * filters };
      const transposed = plan.kind === 'conv2dTranspose';
      const side = (size: number) => (transposed ? transposedSide(plan, size) : convolvedSide(plan, size));
      const kernelShape = transposed ? [k, k, filters, channels] : [k, k, channels, filters];
      return {
        outputShape: [side(height), side(width), filters],
        parameters: [kernelOf(plan, kernelShape, fans), ...biasOf(plan, filters, fans)],
      };
    }
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

function convolvedSide(plan: ConvolutionBase, size: number): number {
  const strides = plan.strides ?? 1;
  return plan.padding === 'same' ? Math.ceil(size / strides) : Math.floor((size - plan.kernelSize) / strides) + 1;
}

function transposedSide(plan: ConvolutionBase, size: number): number {
  const strides = plan.strides ?? 1;
  return plan.padding === 'same' ? size * strides : (size - 1) * strides + plan.kernelSize;
}

type Fans = Pick<ParameterPlan, 'fanIn' | 'fanOut'>;

function kernelOf(
  plan: { readonly kernelInitializer?: InitializerPlan },
  shape: readonly number[],
  fans: Fans,
): ParameterPlan {
  return { name: 'kernel', shape, initializer: plan.kernelInitializer ?? GLOROT, trainable: true, ...fans };
}

function biasOf(
  plan: { readonly bias?: boolean; readonly biasInitializer?: InitializerPlan },
  units: number,
  fans: Fans,
): ParameterPlan[] {
  if (plan.bias === false) return [];
  return [{ name: 'bias', shape: [units], initializer: plan.biasInitializer ?? ZEROS, trainable: true, ...fans }];
}

function batchNormParameters(plan: BatchNormPlan, channels: number): ParameterPlan[] {
  const common = { shape: [channels], fanIn: channels, fanOut: channels };
  return [
    { name: 'gamma', initializer: plan.gammaInitializer ?? ONES, trainable: true, ...common },
    { name: 'beta', initializer: ZEROS, trainable: true, ...common },
    { name: 'movingMean', initializer: ZEROS, trainable: false, ...common },
    { name: 'movingVariance', initializer: ONES, trainable: false, ...common },
  ];
}

function planError(network: NetworkPlan, layer: LayerPlan, reason: string): AdctlError {
  return new AdctlError(`network '${network.name}', layer '${layer.name}' (${layer.kind}): ${reason}`, {
    code: 'network_plan_invalid',
    kind: 'bug',
    details: { network: network.name, layer: layer.name },
  });
}
