export {
  ControllerStatus,
  ControlRequest,
  type ControlVerb,
  SubmitSweep,
  SweepAccepted,
  SweepRecord,
  SweepSummary,
  TrialDetail,
  TrialSummary,
  TrialWhy,
  WorkerSummary,
} from './control.js';
export { digestOf, sha256, toCanonicalJson } from './digest.js';
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
export { Failure, fromFailure, toFailure } from './failure.js';
export { ConfigurationId, Sha256, SweepId, TrialId, WorkerId } from './ids.js';
export {
  artifactKey,
  attemptRecordKey,
  checkpointPrefix,
  headKey,
  manifestKey,
  resultKey,
  resultSegmentPrefix,
  resultsPrefix,
  sweepSpecKey,
  trialCheckpointsPrefix,
  trialSpecKey,
} from './object-keys.js';
export {
  ARTIFACT_NAMES,
  Calibration,
  EngineFacts,
  ObjectReference,
  type SearchOutcome,
  SelectionMetrics,
  TestMetrics,
  TrialResult,
  toSearchOutcome,
} from './result.js';
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
export { FINAL_STATES, FinalState, isFinal, isLegalMove, TRIAL_STATES, TrialState } from './trial-state.js';
