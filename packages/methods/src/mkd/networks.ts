import { type BackboneName, scaleChannels } from '../backbones/architecture.js';
import { backboneOf, planBackbone } from '../backbones/registry.js';
import type { LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { Hyperparameters } from './hyperparameters.js';

/** Names of the networks; a random teacher draws its weights by its own. */
export const TEACHER = 'teacher';
export const CLONER = 'cloner';

/** Convolutions of each block of the cloner, of which the last is as wide as the tap. */
const CONVOLUTIONS = [2, 2, 3, 3, 3] as const;
const VGG_WIDTHS = [64, 128, 256, 512, 512] as const;

/** The teacher's taps at levels 2 to 5: strides 4, 8, 16 and 32. */
const TAPS: Readonly<Record<BackboneName, readonly [string, string, string, string]>> = {
  vgg16: ['pool2', 'pool3', 'pool4', 'pool5'],
  'vgg16-caffe': ['pool2', 'pool3', 'pool4', 'pool5'],
  resnet18: ['layer1', 'layer2', 'layer3', 'layer4'],
  'efficientnet-lite0': ['blocks.1', 'blocks.2', 'blocks.4', 'blocks.6'],
  'efficientnet-lite0-torch': ['blocks.1', 'blocks.2', 'blocks.4', 'blocks.6'],
};

/** The teacher's tap at a level. */
export function teacherTap(teacher: BackboneName, level: number): string {
  return TAPS[teacher][level - 2]!;
}

/** The cloner's layer that imitates it. */
export function clonerTap(level: number): string {
  return `pool${level}`;
}

/** What the teacher is made from. */
export function teacherOptions(h: Hyperparameters) {
  const deepest = Math.max(...h.trainLevels);
  return {
    architecture: h.teacher,
    weights: h.weights,
    network: TEACHER,
    height: h.inputSize,
    width: h.inputSize,
    channelFactor: h.teacherChannels,
    until: teacherTap(h.teacher, deepest),
  };
}

/** Source S and cloner C (paper section 3; spec section 2), both on `[inputSize, inputSize, 3]`. */
export function planNetworks(h: Hyperparameters): readonly [NetworkPlan, NetworkPlan] {
  const teacher = planBackbone(teacherOptions(h));
  return [teacher, planCloner(h, widthsOf(h, teacher))];
}

/** Channels of the teacher's taps by level, 2 to the deepest trained one. */
function widthsOf(h: Hyperparameters, teacher: NetworkPlan): readonly number[] {
  const { layers } = summarizeNetwork(teacher);
  const { taps } = backboneOf(h.teacher);
  return Array.from({ length: Math.max(...h.trainLevels) - 1 }, (_, i) => {
    const layer = taps[teacherTap(h.teacher, i + 2)]!;
    return layers.find(({ plan }) => plan.name === layer)!.outputShape[2]!;
  });
}

/**
 * 3x3 convolutions with batch normalisation after all but the last of each block, ReLU, and a 2x2 pool after each block;
 * the last convolution of a block is as wide as the teacher's tap, those between are narrow. Where the teacher's taps are
 * linear the cloner's are too: ReLU then follows the pool instead.
 */
function planCloner(h: Hyperparameters, tapWidths: readonly number[]): NetworkPlan {
  const isLinear = backboneOf(h.teacher).hasLinearTaps;
  const layers: LayerPlan[] = [];
  for (let level = 1; level <= tapWidths.length + 1; level++) {
    const inner = h.cloner === 'equal' ? scaleChannels(VGG_WIDTHS[level - 1]!, h.teacherChannels) : h.bottleneck;
    const last = level === 1 ? inner : tapWidths[level - 2]!;
    const count = CONVOLUTIONS[level - 1]!;
    for (let i = 1; i <= count; i++) {
      const name = `conv${level}_${i}`;
      const [isLast, filters] = [i === count, i === count ? last : inner];
      layers.push({ kind: 'conv2d', name, filters, kernelSize: 3, padding: 'same', bias: h.useBias });
      // Epsilon and momentum are PyTorch's, whose moving averages take a tenth of each batch.
      if (!isLast) layers.push({ kind: 'batchNorm', name: `${name}-norm`, epsilon: 1e-5, momentum: 0.9 });
      if (!isLast || !isLinear) layers.push({ kind: 'activation', name: `${name}-relu`, activation: 'relu' });
    }
    layers.push({ kind: 'maxPool2d', name: clonerTap(level), poolSize: 2, padding: 'valid' });
    if (isLinear && level <= tapWidths.length) {
      layers.push({ kind: 'activation', name: `${clonerTap(level)}-relu`, activation: 'relu' });
    }
  }
  return { name: CLONER, input: [h.inputSize, h.inputSize, 3], layers };
}
