import type { InitializerPlan, LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import { type Hyperparameters, querySizeOf } from './hyperparameters.js';

/** Kernels start from N(0, 0.02^2), batch-norm scales from N(1, 0.02^2) (authors' code); biases from 0 (ours). */
const WEIGHTS: InitializerPlan = { kind: 'normal', sd: 0.02 };
const SCALES: InitializerPlan = { kind: 'normal', mean: 1, sd: 0.02 };

/** The layer of the memory network whose kernel is M. */
export const SLOTS_LAYER = 'slots';

/**
 * Encoder x -> z, memory M and decoder z^ -> x^ (spec, "Networks"), images and reconstructions in [-1, 1].
 *
 * Stages halve the side, rounding up; the decoder goes back through the same sides. The memory is a dense layer without
 * bias from addressing weights to read vectors, so its kernel is M, `[memorySize, C]`.
 */
export function planNetworks(
  h: Hyperparameters,
  input: ImageShape,
): readonly [encoder: NetworkPlan, memory: NetworkPlan, decoder: NetworkPlan] {
  const grids = gridsOf(h, input);
  const latent = grids.at(-1)!;
  const querySize = querySizeOf(h, input);
  const slotInitializer: InitializerPlan = { kind: 'uniform', limit: 1 / Math.sqrt(querySize) };
  return [
    { name: 'encoder', input: [input.height, input.width, input.channels], layers: encoderLayers(h) },
    {
      name: 'memory',
      input: [h.memorySize],
      layers: [{ kind: 'dense', name: SLOTS_LAYER, units: querySize, bias: false, kernelInitializer: slotInitializer }],
    },
    {
      name: 'decoder',
      input: [...latent, h.stageChannels.at(-1)!],
      layers: decoderLayers(h, grids, input.channels),
    },
  ];
}

type Grid = readonly [height: number, width: number];

/** Height and width of the image and after every stage. */
function gridsOf(h: Hyperparameters, { height, width }: ImageShape): Grid[] {
  const grids: Grid[] = [[height, width]];
  for (const _ of h.stageChannels) {
    const [rows, columns] = grids.at(-1)!;
    grids.push([Math.ceil(rows / 2), Math.ceil(columns / 2)]);
  }
  return grids;
}

function encoderLayers(h: Hyperparameters): LayerPlan[] {
  return h.stageChannels.flatMap((filters, i): LayerPlan[] => {
    const isLast = i === h.stageChannels.length - 1;
    return [
      {
        kind: 'conv2d',
        name: `conv${i + 1}`,
        filters,
        kernelSize: i === 0 ? h.firstKernel : 3,
        strides: 2,
        padding: 'same',
        kernelInitializer: WEIGHTS,
      },
      norm(`norm${i + 1}`),
      ...(isLast && h.linearLatent ? [] : [activation(h, `activation${i + 1}`)]),
    ];
  });
}

function decoderLayers(h: Hyperparameters, grids: readonly Grid[], channels: number): LayerPlan[] {
  const filters = [...h.stageChannels.slice(0, -1).reverse(), channels];
  return filters.flatMap((count, i): LayerPlan[] => {
    const isLast = i === filters.length - 1;
    return [
      {
        kind: 'conv2dTranspose',
        name: `deconv${i + 1}`,
        filters: count,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        outputSize: grids[filters.length - 1 - i]!,
        kernelInitializer: WEIGHTS,
      },
      ...(isLast ? [] : [norm(`norm${i + 1}`), activation(h, `activation${i + 1}`)]),
    ];
  });
}

function norm(name: string): LayerPlan {
  return { kind: 'batchNorm', name, momentum: 0.9, epsilon: 1e-5, gammaInitializer: SCALES };
}

function activation(h: Hyperparameters, name: string): LayerPlan {
  return { kind: 'activation', name, activation: h.activation, slope: 0.2 };
}
