import { AdctlError } from '@adctl/protocol';

/** How a parameter gets its first values. Fans count receptive field x channels, also for transposed convolutions. */
export type InitializerPlan =
  /** N(mean, sd^2); mean 0 unless given (batch-norm scales use mean 1). */
  | { readonly kind: 'normal'; readonly sd: number; readonly mean?: number }
  /** N(0, sd^2), drawn again beyond two sd, as TensorFlow's truncated normal. */
  | { readonly kind: 'truncatedNormal'; readonly sd: number }
  /** Uniform in +-sqrt(6 / (fanIn + fanOut)). */
  | { readonly kind: 'glorotUniform' }
  /** Uniform in +-sqrt(6 / fanIn). */
  | { readonly kind: 'heUniform' }
  /** N(0, 2 / fanIn). */
  | { readonly kind: 'heNormal' }
  /** Uniform in +-limit. */
  | { readonly kind: 'uniform'; readonly limit: number }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' };

/**
 * TensorFlow's two ways, or PyTorch's: that many pixels on every side. They agree for stride 1 and odd kernels only:
 * with stride 2, 'same' puts the odd pixel at the end and samples a grid shifted by one.
 */
export type Padding = 'same' | 'valid' | number;

interface LayerBase {
  /** Unique within its network; part of every parameter's name, so renaming one breaks old checkpoints. */
  readonly name: string;
  /** Shape this layer is fed (without batch), when it is not the previous layer's output: nets wired by hand. */
  readonly inputShape?: readonly number[];
  /** The earlier layer whose output this one takes; default the one before. */
  readonly from?: string;
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
  /** Not 'same' where taps are spread by `dilation`. */
  readonly padding: Padding;
  /** Distance between the taps of the kernel in pixels, default 1; above 1 with stride 1 only. */
  readonly dilation?: number;
}

/** One filter a channel: `[batch, h, w, c] -> [batch, h', w', c]`, kernel `[k, k, c, 1]`. */
export interface DepthwiseConv2dPlan extends Omit<ConvolutionBase, 'filters'> {
  readonly kind: 'depthwiseConv2d';
  readonly padding: Padding;
}

/** Transposed convolution: 'same' multiplies the side by the stride, 'valid' gives `(side - 1) * stride + k`; kernel `[k, k, filters, in]`. */
export interface Conv2dTransposePlan extends ConvolutionBase {
  readonly kind: 'conv2dTranspose';
  readonly padding: 'same' | 'valid';
  /** 'same' only: another height and width that a convolution of this stride takes to the input's, e.g. 7 for 4. */
  readonly outputSize?: readonly [height: number, width: number];
}

/** Largest value of each window; padding never wins. */
export interface MaxPool2dPlan extends LayerBase {
  readonly kind: 'maxPool2d';
  /** Side of the square window. */
  readonly poolSize: number;
  /** Default the window's side. */
  readonly strides?: number;
  readonly padding: Padding;
}

/** Mean of each window, windows side by side: `[batch, h, w, c] -> [batch, h / poolSize, w / poolSize, c]`, rounded down. */
export interface AveragePool2dPlan extends LayerBase {
  readonly kind: 'averagePool2d';
  /** Side of the square window, and the stride. */
  readonly poolSize: number;
}

/** Mean over all positions: `[batch, h, w, c] -> [batch, c]`. */
export interface GlobalAveragePoolPlan extends LayerBase {
  readonly kind: 'globalAveragePool';
}

/** Mirrors the picture about its border pixels on every side: `[b, h, w, c] -> [b, h + 2 p, w + 2 p, c]`, p below both sides. */
export interface ReflectPadPlan extends LayerBase {
  readonly kind: 'reflectPad';
  /** Pixels on every side. */
  readonly padding: number;
}

/** Repeats every pixel: `[b, h, w, c] -> [b, h factor, w factor, c]` (nearest neighbour). */
export interface UpsamplePlan extends LayerBase {
  readonly kind: 'upsample';
  readonly factor: number;
}

/** Normalises each channel of each image by its own mean and biased variance, in every mode; no parameters. */
export interface InstanceNormPlan extends LayerBase {
  readonly kind: 'instanceNorm';
  /** Default 1e-5. */
  readonly epsilon?: number;
}

/** Sum of its input and the output of an earlier layer of the same shape. */
export interface AddPlan extends LayerBase {
  readonly kind: 'add';
  readonly with: string;
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
  readonly activation: 'relu' | 'relu6' | 'leakyRelu' | 'sigmoid' | 'tanh';
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
  | DepthwiseConv2dPlan
  | Conv2dTransposePlan
  | MaxPool2dPlan
  | AveragePool2dPlan
  | GlobalAveragePoolPlan
  | ReflectPadPlan
  | UpsamplePlan
  | InstanceNormPlan
  | AddPlan
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
  const outputs = new Map<string, readonly number[]>();
  const layers: LayerSummary[] = [];
  let shape = plan.input;
  for (const layer of plan.layers) {
    if (outputs.has(layer.name)) throw planError(plan, layer, 'the name is used twice');
    const outputOf = (name: string) => {
      const output = outputs.get(name);
      if (output === undefined) throw planError(plan, layer, `there is no layer '${name}' before it`);
      return output;
    };
    const inputShape = layer.from === undefined ? (layer.inputShape ?? shape) : outputOf(layer.from);
    if (layer.kind === 'add' && outputOf(layer.with).join() !== inputShape.join()) {
      throw planError(plan, layer, `cannot add [${outputOf(layer.with)}] to [${inputShape}]`);
    }
    const summary = summarizeLayer(plan, layer, inputShape);
    layers.push(summary);
    shape = summary.outputShape;
    outputs.set(layer.name, shape);
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
