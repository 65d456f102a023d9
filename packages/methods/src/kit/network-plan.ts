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
