import type { LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import { sideOf } from './geometry.js';
import type { Hyperparameters } from './hyperparameters.js';
import { countTransformations } from './transformations.js';

/** Filters of the stem. */
const STEM_FILTERS = 16;
/** Side of the pooling window, whatever the input: 64x64 images leave 2x2 positions. */
const POOL_SIDE = 8;

type Architecture = Pick<Hyperparameters, 'depth' | 'widenFactor' | 'transforms'>;

/**
 * The classifier that tells transformations apart: a wide residual network WRN-depth-widenFactor of pre-activation blocks
 * in three groups, the second and third halving the side. Convolutions have no bias; nothing normalises the stem.
 */
export function planNetworks(h: Architecture, input: ImageShape): readonly [NetworkPlan] {
  const side = sideOf(input);
  const blocks = [1, 2, 3].flatMap((group) => groupLayers(h, group));
  const features = (side / 4 / POOL_SIDE) ** 2 * filtersOf(h, 3);
  const head: LayerPlan[] = [
    batchNorm('norm'),
    relu('relu'),
    { kind: 'averagePool2d', name: 'pool', poolSize: POOL_SIDE },
    { kind: 'flatten', name: 'flatten' },
    {
      kind: 'dense',
      name: 'logits',
      units: countTransformations(h.transforms),
      kernelInitializer: { kind: 'uniform', limit: 1 / Math.sqrt(features) },
    },
  ];
  return [
    {
      name: 'classifier',
      input: [side, side, input.channels],
      layers: [convolution('stem', STEM_FILTERS, 3, 1), ...blocks, ...head],
    },
  ];
}

function filtersOf({ widenFactor }: Architecture, group: number): number {
  return group === 0 ? STEM_FILTERS : STEM_FILTERS * widenFactor * 2 ** (group - 1);
}

function groupLayers(h: Architecture, group: number): LayerPlan[] {
  const count = (h.depth - 4) / 6;
  const nameOf = (index: number) => `group${group}block${index}`;
  return Array.from({ length: count }, (_, i) => {
    const previous = i > 0 ? sumOf(nameOf(i)) : group === 1 ? 'stem' : sumOf(`group${group - 1}block${count}`);
    const incoming = filtersOf(h, i > 0 ? group : group - 1);
    return blockLayers(nameOf(i + 1), previous, {
      filters: filtersOf(h, group),
      incoming,
      strides: i === 0 && group > 1 ? 2 : 1,
    });
  }).flat();
}

interface BlockShape {
  readonly filters: number;
  readonly incoming: number;
  readonly strides: 1 | 2;
}

/**
 * `h = relu(norm1(x))`, `c = conv2(relu(norm2(conv1(h))))`; the block returns c plus x itself, or plus a 1x1 convolution of
 * h where the number of channels changes.
 * @param previous the layer whose output is x.
 */
function blockLayers(name: string, previous: string, { filters, incoming, strides }: BlockShape): LayerPlan[] {
  const isProjected = incoming !== filters;
  const projection: LayerPlan[] = isProjected
    ? [{ ...convolution(`${name}Projection`, filters, 1, strides), from: `${name}Relu1` }]
    : [];
  return [
    batchNorm(`${name}Norm1`),
    relu(`${name}Relu1`),
    ...projection,
    { ...convolution(`${name}Conv1`, filters, 3, strides), from: `${name}Relu1` },
    batchNorm(`${name}Norm2`),
    relu(`${name}Relu2`),
    convolution(`${name}Conv2`, filters, 3, 1),
    { kind: 'add', name: sumOf(name), with: isProjected ? `${name}Projection` : previous },
  ];
}

function sumOf(block: string): string {
  return `${block}Sum`;
}

function convolution(name: string, filters: number, kernelSize: number, strides: number): LayerPlan {
  return {
    kind: 'conv2d',
    name,
    filters,
    kernelSize,
    strides,
    padding: 'same',
    bias: false,
    kernelInitializer: { kind: 'heNormal' },
  };
}

function batchNorm(name: string): LayerPlan {
  return { kind: 'batchNorm', name, momentum: 0.9, epsilon: 1e-5 };
}

function relu(name: string): LayerPlan {
  return { kind: 'activation', name, activation: 'relu' };
}
