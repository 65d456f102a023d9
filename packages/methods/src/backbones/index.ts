export {
  BACKBONE_NAMES,
  type BackboneArchitecture,
  type BackboneName,
  type BackbonePlanOptions,
  type PixelNormalization,
} from './architecture.js';
export { BACKBONES, backboneOf } from './registry.js';
export { type BackboneWeights, type ConvertedWeights, convertWeightFile, readBackboneWeights } from './weight-file.js';
