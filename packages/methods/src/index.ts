export {
  type InitializerPlan,
  type LayerPlan,
  type LayerSummary,
  type NetworkPlan,
  type NetworkSummary,
  type ParameterPlan,
  summarizeNetwork,
} from './kit/network-plan.js';
export {
  type CommonHyperparameters,
  type ContractSettings,
  type CreateModel,
  defineMethod,
  type ImageShape,
  type LearningContract,
  type MethodCard,
  type Model,
  type ModelContext,
  PRESETS,
  type Preset,
  type PublishedResult,
  type StepPosition,
} from './method.js';
export { findMethod, METHODS } from './registry.js';
export {
  type HyperparameterIssue,
  type ResolvedHyperparameters,
  type ResolveOptions,
  resolveHyperparameters,
} from './resolve-hyperparameters.js';
