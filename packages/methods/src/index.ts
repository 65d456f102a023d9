export {
  type CheckpointRule,
  type CommonHyperparameters,
  type CreateModel,
  defineMethod,
  type ImageShape,
  type MethodCard,
  type Model,
  type ModelContext,
  PRESETS,
  type Preset,
  type PublishedResult,
  type StepPosition,
} from './method.js';
