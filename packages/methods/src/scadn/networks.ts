import type { InitializerPlan, LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';

/** All convolutions start from N(0, 0.02^2) (authors' code). */
const WEIGHTS: InitializerPlan = { kind: 'normal', sd: 0.02 };

/** What the generator works on: it halves the picture three times, and its reflections need three pixels then. */
export function frameOf({ height, width, channels }: ImageShape): ImageShape {
  const side = (size: number) => Math.max(24, 8 * Math.ceil(size / 8));
  return { height: side(height), width: side(width), channels };
}

/** Generator, and discriminator where there is an adversarial term. */
export function planNetworks(h: Hyperparameters, input: ImageShape): readonly NetworkPlan[] {
  const generator = planGenerator(h, input);
  return h.adversarialWeight > 0 ? [generator, planDiscriminator(h, input)] : [generator];
}

/**
 * Fills hidden stripes: three stride-2 encoder layers, dilated residual blocks without an activation after the sum, three
 * doubling decoder layers, tanh. Instance norm everywhere, no skip from encoder to decoder.
 */
export function planGenerator(h: Hyperparameters, input: ImageShape): NetworkPlan {
  const { height, width, channels } = frameOf(input);
  const g = h.baseChannels;
  const wide = 8 * g;
  const blocks = Array.from({ length: h.residualBlocks }, (_, i) => i + 1);
  return {
    name: 'generator',
    input: [height, width, channels + (h.maskChannel ? 1 : 0)],
    layers: [
      ...reflected('e0', g, 7, 1),
      ...normalised('e0'),
      ...[2 * g, 4 * g, wide].flatMap((filters, i): LayerPlan[] => [
        convolution(`e${i + 1}`, filters, { kernelSize: 4, strides: 2, padding: 'same' }),
        ...normalised(`e${i + 1}`),
      ]),
      ...blocks.flatMap((i): LayerPlan[] => [
        ...reflected(`r${i}a`, wide, 3, 2),
        ...normalised(`r${i}a`),
        ...reflected(`r${i}b`, wide, 3, 1),
        { kind: 'instanceNorm', name: `r${i}b-norm` },
        { kind: 'add', name: `r${i}`, with: i === 1 ? 'e3-relu' : `r${i - 1}` },
      ]),
      ...[4 * g, 2 * g, g].flatMap((filters, i): LayerPlan[] => [
        { kind: 'upsample', name: `d${i + 1}-up`, factor: 2 },
        convolution(`d${i + 1}`, filters, { kernelSize: 3, padding: 'same' }),
        ...normalised(`d${i + 1}`),
      ]),
      ...reflected('out', channels, 7, 1),
      { kind: 'activation', name: 'out-tanh', activation: 'tanh' },
    ],
  };
}

/** Judges overlapping patches of a whole picture; logits `[batch, h, w, 1]`. All its kernels are spectrally normalised. */
export function planDiscriminator(h: Hyperparameters, input: ImageShape): NetworkPlan {
  const { height, width, channels } = frameOf(input);
  const g = h.baseChannels;
  const leaky = (name: string): LayerPlan => ({ kind: 'activation', name, activation: 'leakyRelu', slope: 0.2 });
  return {
    name: 'discriminator',
    input: [height, width, channels],
    layers: [
      ...[g, 2 * g, 4 * g].flatMap((filters, i): LayerPlan[] => [
        convolution(`c${i + 1}`, filters, { kernelSize: 4, strides: 2, padding: 'same', bias: false }),
        leaky(`c${i + 1}-leaky`),
      ]),
      // PyTorch's padding of 1 for stride 1: one pixel less, where 'same' would keep the size.
      convolution('c4', 8 * g, { kernelSize: 4, padding: 1, bias: false }),
      leaky('c4-leaky'),
      convolution('c5', 1, { kernelSize: 4, padding: 1, bias: false }),
    ],
  };
}

type ConvolutionSettings = Pick<
  Extract<LayerPlan, { kind: 'conv2d' }>,
  'kernelSize' | 'strides' | 'padding' | 'bias' | 'dilation'
>;

function convolution(name: string, filters: number, settings: ConvolutionSettings): LayerPlan {
  return { kind: 'conv2d', name, filters, ...settings, kernelInitializer: WEIGHTS };
}

/** A convolution that keeps the size by mirrored borders. */
function reflected(name: string, filters: number, kernelSize: number, dilation: number): LayerPlan[] {
  const padding = ((kernelSize - 1) / 2) * dilation;
  return [
    { kind: 'reflectPad', name: `${name}-pad`, padding },
    convolution(name, filters, { kernelSize, padding: 'valid', dilation }),
  ];
}

function normalised(name: string): LayerPlan[] {
  return [
    { kind: 'instanceNorm', name: `${name}-norm`, epsilon: 1e-5 },
    { kind: 'activation', name: `${name}-relu`, activation: 'relu' },
  ];
}
