import type { InitializerPlan, LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';

const HE: InitializerPlan = { kind: 'heNormal' };

/** Channels of the encoder blocks e_0 .. e_levels: doubling at every level but the last. */
export function levelChannels({ baseChannels, levels }: Hyperparameters): number[] {
  return Array.from({ length: levels + 1 }, (_, i) => baseChannels * 2 ** Math.min(i, levels - 1));
}

/** Sides of the encoder blocks; an odd side is halved upwards. */
function levelSides(side: number, levels: number): number[] {
  const sides = [side];
  for (let i = 0; i < levels; i++) sides.push(Math.ceil(sides[i]! / 2));
  return sides;
}

/**
 * The inpainting U-Net, one network: encoder blocks `e0` .. `eL` (stride 2 but for the first), decoder blocks `d(L-1)` ..
 * `d0` on the doubled picture beside the encoder's, and a sigmoid output. It sees the image without its hidden
 * pixels and, unless its convolutions are partial, the mask as one more channel.
 */
export function planNetworks(h: Hyperparameters, input: ImageShape): readonly NetworkPlan[] {
  const channels = levelChannels(h);
  const [heights, widths] = [levelSides(input.height, h.levels), levelSides(input.width, h.levels)];
  const entry = [input.height, input.width, input.channels + (h.partialConv ? 0 : 1)];
  const decoder = Array.from({ length: h.levels }, (_, i) => h.levels - 1 - i);
  return [
    {
      name: 'inpainter',
      input: entry,
      layers: [
        ...channels.flatMap((filters, i) => block({ name: `e${i}`, filters, strides: i === 0 ? 1 : 2 })),
        ...decoder.flatMap((i) => {
          const below = i === h.levels - 1 ? channels[h.levels]! : channels[i + 1]!;
          const inputShape = [heights[i]!, widths[i]!, below + channels[i]!];
          return block({ name: `d${i}`, filters: channels[i]!, strides: 1, inputShape });
        }),
        {
          kind: 'conv2d',
          name: 'out',
          filters: input.channels,
          kernelSize: 3,
          padding: 'same',
          kernelInitializer: HE,
        },
        { kind: 'activation', name: 'out-activation', activation: 'sigmoid' },
      ],
    },
  ];
}

interface BlockPlan {
  readonly name: string;
  readonly filters: number;
  readonly strides: number;
  readonly inputShape?: readonly number[];
}

/** Convolution with bias, batch normalisation, LeakyReLU 0.2. */
function block({ name, filters, strides, inputShape }: BlockPlan): LayerPlan[] {
  return [
    {
      kind: 'conv2d',
      name,
      filters,
      kernelSize: 3,
      strides,
      padding: 'same',
      kernelInitializer: HE,
      ...(inputShape === undefined ? {} : { inputShape }),
    },
    { kind: 'batchNorm', name: `${name}-norm`, momentum: 0.9, epsilon: 1e-5 },
    { kind: 'activation', name: `${name}-activation`, activation: 'leakyRelu', slope: 0.2 },
  ];
}
