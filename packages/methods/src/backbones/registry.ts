import type { BackboneArchitecture, BackboneName } from './architecture.js';
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
