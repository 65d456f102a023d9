export { type AdamOptions, createAdam } from './adam.js';
export { type BatchNorm, createBatchNorm, type PassMode } from './batch-norm.js';
export { chunkRanges, type EpochOptions, gatherImages, type ImageSet, planEpoch } from './batching.js';
export { biasAdd } from './bias-add.js';
export { createBuffer, fittedContent, isEmpty } from './buffers.js';
export {
  type CheckpointedModel,
  encodeCheckpoint,
  encodeWeights,
  restoreCheckpoint,
  restoreWeights,
  type TrainingPosition,
} from './checkpoint.js';
export { installFewChannelTranspose } from './few-channel-transpose.js';
export { installGradients } from './gradients.js';
export { halfSquaredNorm } from './half-squared-norm.js';
export { assertImageShape, cropImages, fromSigned, padImages, toSigned } from './images.js';
export {
  bceOnLogits,
  bernoulliKl,
  discriminationLoss,
  halfSquaredError,
  meanBceOnLogits,
  meanPerSample,
  meanSquaredError,
  meanSquaredErrorPerSample,
  sumPerSample,
  weightPenalty,
} from './losses.js';
export { countTensors, guardTensors, type TensorGuard } from './memory.js';
export { minimize } from './minimize.js';
export { createNetwork, type Layer, type NamedVariable, type Network, type NetworkContext } from './network.js';
export type { InitializerPlan, LayerPlan, NetworkPlan } from './network-plan.js';
export { type NetworkSummary, summarizeNetwork } from './network-summary.js';
export type { Optimizer, OptimizerSlot, OptimizerState, ParameterSource } from './optimizer.js';
export { prepareEngine } from './prepare-engine.js';
export { randomBernoulli, randomNormal, randomUniform } from './random-tensors.js';
export { createRmsProp, type RmsPropOptions } from './rms-prop.js';
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  type SafetensorsDtype,
  type SafetensorsTensor,
} from './safetensors.js';
export { disposeScalars, scalar } from './scalars.js';
export { createSgd, type SgdOptions } from './sgd.js';
export { smoothMaps } from './smooth-maps.js';
