export { datasetDirectory, type FileDigest, resolveCacheDir } from './cache.js';
export { allowDatasetRoot } from './data-roots.js';
export type { Dataset, ImageShape, Partition, Subset } from './dataset.js';
export type { DatasetCard, DatasetFile, FileDatasetCard, FolderDatasetCard, NpmSource } from './dataset-card.js';
export { datasetNotShared, sharedDatasetDamaged } from './errors.js';
export { type FetchOptions, type FetchResult, fetchDataset } from './fetch.js';
export { type ImageBatch, loadImages, streamImages } from './images.js';
export { type DatasetRequest, type OpenOptions, openDataset } from './open-dataset.js';
export { padImages } from './pad-dataset.js';
export { DEFAULT_HOLDOUT_FRACTION, planSplits, protocolsFor, type SplitRequest } from './plan-splits.js';
export { allBut } from './protocols/leave-one-out.js';
export type { SplitProtocol } from './protocols/protocol.js';
export { findProtocol, listProtocols } from './protocols/registry.js';
export { findDataset, listDatasets } from './registry.js';
export { digestAt, type PackedDataset, packDataset, readerOf } from './share-dataset.js';
export { hasShared, receiveShared, sharedDirectory } from './shared-cache.js';
export { downloadFile } from './sources/https.js';
export type { FetchProgress } from './sources/source.js';
export type { ImageList, Splits, TestSplit } from './splits.js';
export { type CategorySurvey, surveyMvtec } from './survey-mvtec.js';
export type { Corruption } from './synthetic/corruption.js';
export {
  CORRUPTIONS,
  makeSyntheticAnomalies,
  SYNTHETIC_VERSION,
  type SyntheticAnomalies,
} from './synthetic/make-synthetic-anomalies.js';
export { TEXTURE_DEFECTS, TEXTURE_FAMILIES } from './textures/draw-image.js';
export {
  type MadeTextures,
  type MakeTexturesOptions,
  makeTextures,
  type TexturesProgress,
} from './textures/make-textures.js';
export { TEXTURE_DEFAULTS } from './textures/plan-textures.js';
export {
  type CachedWeights,
  hasWeights,
  listWeights,
  readWeights,
  receiveWeights,
  storeWeights,
  weightsPath,
} from './weights-cache.js';
