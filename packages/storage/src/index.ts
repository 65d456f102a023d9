export {
  type LoadedCheckpoint,
  listCheckpoints,
  loadNewestCheckpoint,
  type SkippedCheckpoint,
} from './checkpoint-loading.js';
export { type PruneOptions, pruneCheckpoints } from './checkpoint-pruning.js';
export {
  type CheckpointFile,
  type CommittedCheckpoint,
  commitCheckpoint,
  type NewCheckpoint,
  parseJson,
  readHead,
} from './checkpoints.js';
export { OBJECT_VARIABLES, objectRules, toObjectPlace, toS3Settings } from './environment.js';
export { PART_BYTES, putInParts, type UnfinishedUploads } from './large-objects.js';
export { assertObjectKey, assertObjectPrefix } from './object-key.js';
export type { MultipartUpload, ObjectInfo, ObjectStore, PutOptions, PutOutcome, WriteOptions } from './object-store.js';
export { type ObjectPlace, type OpenedObjects, openObjects } from './place.js';
export {
  changeIndexHead,
  deleteOldIndexParts,
  readIndexHead,
  readIndexPart,
  writeIndexPart,
} from './result-index.js';
export { readResult, writeResultOnce } from './results.js';
export type { RetryNote } from './s3/retry.js';
export {
  listSharedDatasets,
  readSharedDataset,
  readSharedManifest,
  shareDataset,
} from './shared-datasets.js';
