import { planBackbone } from '../backbones/registry.js';
import type { NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import { backboneChoice, type Hyperparameters, tapOf } from './hyperparameters.js';

/** The network's name; a random one draws its weights by it. */
export const BACKBONE = 'backbone';

/** The frozen backbone up to the feature's layer; none for raw pixels. */
export function planNetworks(h: Hyperparameters, input: ImageShape): readonly NetworkPlan[] {
  return backboneChoice(h) === null ? [] : [planBackbone(backboneOptions(h, input))];
}

/** What the backbone is fed: one enlarged patch, or in the dense variant the whole image, enlarged as much. */
export function backboneOptions(h: Hyperparameters, input: ImageShape) {
  const enlarged = (side: number) => Math.round((side * h.inputSize) / h.patchSize);
  return {
    architecture: h.backbone,
    weights: h.weights,
    network: BACKBONE,
    height: h.dense ? enlarged(input.height) : h.inputSize,
    width: h.dense ? enlarged(input.width) : h.inputSize,
    until: tapOf(h.feature, h.backbone),
  };
}
