import type { NetworkPlan } from '../kit/network-plan.js';

/** Names of the architectures; a variant that the file itself does not reveal is an architecture of its own. */
export const BACKBONE_NAMES = [
  'vgg16',
  'vgg16-caffe',
  'resnet18',
  'efficientnet-lite0',
  'efficientnet-lite0-torch',
] as const;
export type BackboneName = (typeof BACKBONE_NAMES)[number];

/** How far a plan goes: to the last feature tap, or on to the 1000 ImageNet classes. */
export type BackboneEnd = 'taps' | 'classes';

export interface BackbonePlanOptions {
  /** Name of the network; a random one draws its weights by it. */
  readonly network: string;
  /** Sides of the images that it is fed. */
  readonly height: number;
  readonly width: number;
  readonly end?: BackboneEnd;
  /** Factor on every number of channels, for random weights only; default 1. */
  readonly channelFactor?: number;
}

/** What pixels in [0, 1], RGB, become before the first layer: `(x - mean) / deviation`, per channel. */
export interface PixelNormalization {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** One architecture as data. Layers carry the names that torchvision and timm give their tensors. */
export interface BackboneArchitecture {
  readonly name: BackboneName;
  readonly title: string;
  /** Who publishes weights in this layout. */
  readonly published: string;
  readonly normalization: PixelNormalization;
  /** Layers whose outputs are features, by the name people use, in order of depth. */
  readonly taps: Readonly<Record<string, string>>;
  /** Whether `end: 'classes'` exists. */
  readonly hasClasses: boolean;
  /** Whether tap values may be negative: outputs without an activation after them. */
  readonly hasLinearTaps: boolean;
  plan(options: BackbonePlanOptions): NetworkPlan;
}

export const IMAGENET: PixelNormalization = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

/** A number of channels times the factor, at least 1. */
export function scaleChannels(channels: number, factor = 1): number {
  return Math.max(1, Math.round(channels * factor));
}
