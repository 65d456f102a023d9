import type { InitializerPlan, LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import { type Geometry, geometryOf } from './geometry.js';
import type { Hyperparameters } from './hyperparameters.js';

/** Every kernel starts from N(0, 0.02^2), every batch-norm scale from N(1, 0.02^2) (authors' code). */
const WEIGHTS: InitializerPlan = { kind: 'normal', sd: 0.02 };
const SCALES: InitializerPlan = { kind: 'normal', mean: 1, sd: 0.02 };
export const BATCH_NORM_EPSILON = 1e-5;

/** The discriminator's layer whose output is f(x). */
export const FEATURE_LAYER = 'feature';
/** The discriminator's last layer: features to one logit. */
export const LOGIT_LAYER = 'logit';

/** Side of the map that the discriminator turns into features. */
const FEATURE_SIDE = 4;

type Widths = Pick<Hyperparameters, 'width' | 'latentSize' | 'discMaxChannels' | 'skipLevels'>;

/** Generator G and discriminator D for images of this shape. */
export function planNetworks(h: Widths, input: ImageShape): readonly [NetworkPlan, NetworkPlan] {
  const geometry = geometryOf(input);
  const image = [geometry.side, geometry.side, geometry.channels];
  return [
    { name: 'generator', input: image, layers: generatorLayers(h, geometry) },
    { name: 'discriminator', input: image, layers: discriminatorLayers(h, geometry) },
  ];
}

/** Whether level i (1 is the outermost) carries its encoder map over to the decoder. */
export function hasSkip({ skipLevels }: Pick<Hyperparameters, 'skipLevels'>, level: number, levels: number): boolean {
  return level > skipLevels && level < levels;
}

/**
 * G, a U-Net of pre-activation levels: `down1` ... `downN` halve the side to 1x1, `upN` ... `up1` double it again. Level
 * i of the decoder takes [encoder map i, decoder map i + 1], skip first; `runGenerator` wires it. No biases but in the
 * last layer, no batch normalisation in the first, innermost and last ones.
 */
function generatorLayers(h: Widths, { side, channels, levels }: Geometry): LayerPlan[] {
  const filters = (level: number) => h.width * Math.min(8, 2 ** (level - 1));
  const down = range(1, levels).flatMap((level): LayerPlan[] => [
    ...(level === 1 ? [] : [leakyRelu(`down${level}Relu`)]),
    {
      kind: 'conv2d',
      name: `down${level}`,
      filters: filters(level),
      kernelSize: 4,
      strides: 2,
      padding: 'same',
      bias: false,
      kernelInitializer: WEIGHTS,
    },
    ...(level === 1 || level === levels ? [] : [batchNorm(`down${level}Norm`)]),
  ]);
  const up = range(1, levels)
    .reverse()
    .flatMap((level): LayerPlan[] => {
      const inner = side / 2 ** level;
      const incoming = level === levels ? filters(level) : filters(level) * (hasSkip(h, level, levels) ? 2 : 1);
      return [
        { kind: 'activation', name: `up${level}Relu`, activation: 'relu', inputShape: [inner, inner, incoming] },
        {
          kind: 'conv2dTranspose',
          name: `up${level}`,
          filters: level === 1 ? channels : filters(level - 1),
          kernelSize: 4,
          strides: 2,
          padding: 'same',
          bias: level === 1,
          kernelInitializer: WEIGHTS,
        },
        ...(level === 1 ? [] : [batchNorm(`up${level}Norm`)]),
      ];
    });
  return [...down, ...up, { kind: 'activation', name: 'imageTanh', activation: 'tanh' }];
}

/**
 * D: stride-2 convolutions down to a 4x4 map, channels doubling, then the features f and one logit. The last two
 * convolutions of the code cover their whole input, so they are dense layers here: the features with the same weights in
 * the same order, the classifier without the eight taps of its 3x3 kernel that never see data (our decision).
 */
function discriminatorLayers(h: Widths, { side }: Geometry): LayerPlan[] {
  const stages = Math.log2(side / FEATURE_SIDE);
  return [
    ...range(1, stages).flatMap((stage): LayerPlan[] => [
      {
        kind: 'conv2d',
        name: `conv${stage}`,
        filters: Math.min(h.discMaxChannels, h.width * 2 ** (stage - 1)),
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        bias: false,
        kernelInitializer: WEIGHTS,
      },
      ...(stage === 1 ? [] : [batchNorm(`conv${stage}Norm`)]),
      leakyRelu(`conv${stage}Relu`),
    ]),
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: FEATURE_LAYER, units: h.latentSize, bias: false, kernelInitializer: WEIGHTS },
    { kind: 'dense', name: LOGIT_LAYER, units: 1, bias: false, kernelInitializer: WEIGHTS },
  ];
}

function batchNorm(name: string): LayerPlan {
  return { kind: 'batchNorm', name, momentum: 0.9, epsilon: BATCH_NORM_EPSILON, gammaInitializer: SCALES };
}

function leakyRelu(name: string): LayerPlan {
  return { kind: 'activation', name, activation: 'leakyRelu', slope: 0.2 };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
