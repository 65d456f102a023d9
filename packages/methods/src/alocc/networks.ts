import type { InitializerPlan, LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';

/** Authors' code. */
const CONVOLUTION: InitializerPlan = { kind: 'truncatedNormal', sd: 0.02 };
const OTHER: InitializerPlan = { kind: 'normal', sd: 0.02 };

type Architecture = Pick<Hyperparameters, 'arch' | 'width'>;

/**
 * Reconstructor R and discriminator D. All convolutions are 5x5 with stride 2, 'same' padding and a bias, also before batch
 * normalisation; nothing is pooled.
 */
export function planNetworks(
  h: Architecture,
  { height, width, channels }: ImageShape,
): readonly [NetworkPlan, NetworkPlan] {
  const image = [height, width, channels];
  return [
    { name: 'reconstructor', input: image, layers: reconstructorLayers(h, image as [number, number, number]) },
    { name: 'discriminator', input: image, layers: discriminatorLayers(h) },
  ];
}

/** R goes down and up again through the same sides, e.g. 28, 14, 7, 4, 7, 14, 28; tanh at the end. */
function reconstructorLayers(
  { arch, width }: Architecture,
  [height, wide, channels]: [number, number, number],
): LayerPlan[] {
  const down = (arch === 'code' ? [2, 4, 8] : [1, 2, 4, 8]).map((factor) => factor * width);
  const up = (arch === 'code' ? [2, 1] : [4, 2, 1]).map((factor) => factor * width);
  const sizes = down.map((_, i) => [halved(height, i), halved(wide, i)] as const).reverse();
  return [
    ...down.flatMap((filters, i): LayerPlan[] => [
      convolution(`down${i + 1}`, filters),
      batchNorm(`down${i + 1}Norm`),
      leakyRelu(`down${i + 1}Relu`),
    ]),
    ...up.flatMap((filters, i): LayerPlan[] => [
      transposed(`up${i + 1}`, filters, sizes[i]!),
      batchNorm(`up${i + 1}Norm`),
      { kind: 'activation', name: `up${i + 1}Relu`, activation: 'relu' },
    ]),
    transposed('image', channels, [height, wide]),
    { kind: 'activation', name: 'imageTanh', activation: 'tanh' },
  ];
}

/** D, down to one logit; no batch normalisation in the first layer. */
function discriminatorLayers({ width }: Architecture): LayerPlan[] {
  return [
    ...[1, 2, 4, 8].flatMap((factor, i): LayerPlan[] => [
      convolution(`conv${i + 1}`, factor * width),
      ...(i === 0 ? [] : [batchNorm(`conv${i + 1}Norm`)]),
      leakyRelu(`conv${i + 1}Relu`),
    ]),
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'logit', units: 1, kernelInitializer: OTHER },
  ];
}

/** A side after this many 'same' convolutions of stride 2. */
function halved(side: number, times: number): number {
  return times === 0 ? side : Math.ceil(halved(side, times - 1) / 2);
}

function convolution(name: string, filters: number): LayerPlan {
  return {
    kind: 'conv2d',
    name,
    filters,
    kernelSize: 5,
    strides: 2,
    padding: 'same',
    kernelInitializer: CONVOLUTION,
  };
}

function transposed(name: string, filters: number, outputSize: readonly [number, number]): LayerPlan {
  return {
    kind: 'conv2dTranspose',
    name,
    filters,
    kernelSize: 5,
    strides: 2,
    padding: 'same',
    outputSize,
    kernelInitializer: OTHER,
  };
}

/** The paper's epsilon is 1e-6, the code's 1e-5. */
function batchNorm(name: string): LayerPlan {
  return { kind: 'batchNorm', name, momentum: 0.9, epsilon: 1e-5 };
}

function leakyRelu(name: string): LayerPlan {
  return { kind: 'activation', name, activation: 'leakyRelu', slope: 0.2 };
}
