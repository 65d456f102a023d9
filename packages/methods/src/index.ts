export type { InitializerPlan, LayerPlan, NetworkPlan } from './kit/network-plan.js';
export { type LayerSummary, type NetworkSummary, summarizeNetwork } from './kit/network-summary.js';
export type { ParameterPlan } from './kit/parameter-plan.js';
export {
  type BackboneChoice,
  type BufferContent,
  type CommonHyperparameters,
  type ContractSettings,
  type CreateModel,
  defineMethod,
  type FittingImages,
  type ImageReader,
  type ImageShape,
  type LearningContract,
  type MethodCard,
  type Model,
  type ModelBuffer,
  type ModelContext,
  PRESETS,
  type Preset,
  type StepPosition,
  type SteppingModel,
} from './method.js';
export { PUBLISHED_METRICS, type PublishedMetric, type PublishedResult } from './published-result.js';
export { findMethod, METHODS } from './registry.js';
export {
  type HyperparameterIssue,
  type ResolvedHyperparameters,
  type ResolveOptions,
  resolveHyperparameters,
} from './resolve-hyperparameters.js';
