import type { NetworkPlan } from '../kit/network-plan.js';
import type { BackboneArchitecture, BackboneName, BackbonePlanOptions } from './architecture.js';
import { efficientnetLite0, efficientnetLite0Torch } from './efficientnet-lite0.js';
import { resnet18 } from './resnet18.js';
import { vgg16, vgg16Caffe } from './vgg16.js';

/** Every backbone, one line each. */
export const BACKBONES: readonly BackboneArchitecture[] = [
  vgg16,
  vgg16Caffe,
  resnet18,
  efficientnetLite0,
  efficientnetLite0Torch,
];

/** The architecture of that name. */
export function backboneOf(name: BackboneName): BackboneArchitecture {
  return BACKBONES.find((candidate) => candidate.name === name)!;
}

/** Which part of which backbone to plan. */
export interface PlannedBackbone extends BackbonePlanOptions {
  readonly architecture: BackboneName;
  /** The last tap that is needed; default the architecture's last. */
  readonly until?: string;
}

/** A backbone's plan, as deep as it is needed. */
export function planBackbone({ architecture, until, ...options }: PlannedBackbone): NetworkPlan {
  const { plan, taps } = backboneOf(architecture);
  const whole = plan(options);
  if (until === undefined) return whole;
  const last = whole.layers.findIndex(({ name }) => name === taps[until]);
  return { ...whole, layers: whole.layers.slice(0, last + 1) };
}
