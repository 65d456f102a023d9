export { fromCheckpointRule, resolveCheckpointRule } from './checkpoint-choice.js';
export {
  adminVerb,
  ControllerStatus,
  ControlRequest,
  type ControlVerb,
  DatasetLook,
  GcProgress,
  GcReason,
  OWNED_VERBS,
  type OwnedVerb,
  PoolStatus,
  RebuildProgress,
  SubmitSweep,
  SweepAccepted,
  SweepRecord,
  SweepRef,
  SweepRetried,
  SweepSummary,
  TrialDetail,
  TrialSummary,
  TrialWhy,
  WorkerPod,
  WorkerSummary,
} from './control.js';
export { digestOf, sha256, toCanonicalJson } from './digest.js';
export { Duration, fromMilliseconds, toMilliseconds } from './duration.js';
export {
  type Environment,
  type EnvironmentRule,
  foldersVariable,
  listVariable,
  parseEnvironment,
  switchVariable,
  wholeNumber,
} from './environment.js';
export {
  AdctlError,
  type AdctlErrorOptions,
  type ErrorKind,
  EXIT_CODE_OF_KIND,
  EXIT_CODES,
  userError,
  WORKER_EXIT_CODES,
} from './errors.js';
export {
  AttemptEvent,
  CheckpointHead,
  CheckpointManifest,
  LogLine,
  MetricBatch,
  ReleaseEvent,
  ResultEvent,
  TrialProgress,
  WorkerHeartbeat,
  WorkerOrder,
} from './events.js';
export { ErrorKindSchema, Failure, fromFailure, toFailure } from './failure.js';
export { fitsMessage } from './fits-message.js';
export { ConfigurationId, Sha256, SweepId, TrialId, WorkerId } from './ids.js';
export {
  Leaderboard,
  LeaderboardClass,
  LeaderboardGroup,
  LeaderboardRow,
  PublishedFigure,
  PublishedPixelFigure,
  SeedSummary,
} from './leaderboard.js';
export {
  artifactKey,
  artifactsPrefix,
  attemptRecordKey,
  attemptsPrefix,
  backboneKey,
  checkpointPrefix,
  headKey,
  indexHeadKey,
  indexPartKey,
  indexPrefix,
  manifestKey,
  resultKey,
  resultSegmentPrefix,
  resultsPrefix,
  SEGMENT_TRIALS,
  SWEEP_SPEC_PREFIX,
  segmentOf,
  sharedDatasetKey,
  sharedDatasetsPrefix,
  sharedFileKey,
  sweepCheckpointsPrefix,
  sweepSpecKey,
  sweepStatusKey,
  trialCheckpointsPrefix,
  trialSpecKey,
} from './object-keys.js';
export { kubernetesLabel, POOL_SEPARATOR, PoolClass, PoolName } from './pool-names.js';
export { exitCodeOfProcess, lastWordsOf } from './process-ending.js';
export { type RangeProblem, rangeProblem, rangeSize, rangeValue } from './range.js';
export {
  BackboneUse,
  Calibration,
  EngineFacts,
  EngineUse,
  engineText,
  ObjectReference,
  PixelMetrics,
  type SearchOutcome,
  SelectionMetrics,
  TestMetrics,
  TrialResult,
  toSearchOutcome,
  trainedWith,
} from './result.js';
export { IndexHead, IndexPart, IndexRow } from './result-index.js';
export {
  Distribution,
  HyperparameterValue,
  type MethodSpace,
  PartialPoint,
  type Range,
  SearchSpace,
} from './search-space.js';
export {
  leafSize,
  type SearchSpaceProblem,
  type SpaceLeaf,
  searchSpaceProblems,
  spaceLeaves,
} from './search-space-problems.js';
export { SharedDataset, SharedManifest, sharedDigest, sharedRoot } from './shared-dataset.js';
export { CheckpointChoice, type Objective, SWEEP_DEFAULTS, Sweep } from './sweep.js';
export {
  applyOverrides,
  type ParseSweepOptions,
  type PlaceOf,
  parseSweep,
  type SweepCheck,
  SweepFileError,
} from './sweep-file.js';
export {
  formatIssues,
  formatPath,
  type SweepIssue,
  type SweepIssueCode,
  type SweepPath,
  type SweepPlace,
} from './sweep-issue.js';
export { createSweepJsonSchema } from './sweep-json-schema.js';
export type { SweepDraft } from './sweep-normalize.js';
export { didYouMean } from './sweep-wording.js';
export {
  AttemptRecord,
  CheckpointRule,
  Ending,
  FailureClass,
  Lease,
  TrialAssignment,
  TrialDataset,
  TrialPhase,
  TrialRecord,
  TrialSpec,
} from './trial.js';
export {
  FINAL_STATES,
  FinalState,
  isFinal,
  isLegalMove,
  RetriableState,
  TRIAL_STATES,
  TrialState,
} from './trial-state.js';
export { Version1 } from './version.js';
export { HEARTBEATS, heartbeatTopic, isHeartbeatOf, orderTopic } from './worker-topics.js';
