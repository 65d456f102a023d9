import type { Sha256, SweepId, TrialId } from './ids.js';

/** The only builders of object keys. The kind comes first because lifecycle rules filter by prefix. */

/** Results are stored and indexed in segments of this many trials. */
export const SEGMENT_TRIALS = 1000;
export const segmentOf = (index: number) => Math.floor(index / SEGMENT_TRIALS);
const segmentName = (segment: number) => String(segment).padStart(6, '0');

/** A sweep frozen at submission. Written once. */
export const sweepSpecKey = (sweep: SweepId) => `${SWEEP_SPEC_PREFIX}${sweep}.json`;
/** All sweeps ever submitted. */
export const SWEEP_SPEC_PREFIX = 'v1/spec/';

/** One trial's resolved spec. Written once. */
export const trialSpecKey = (sweep: SweepId, trial: TrialId) => `v1/trial/${sweep}/${trial}.json`;

/** Weights of a backbone, for every sweep that names them. Written once. */
export const backboneKey = (digest: string) => `v1/backbone/${digest}.safetensors`;

/** All data sets that are shared, or those of one name. */
export const sharedDatasetsPrefix = (name?: string) => `v1/dataset/${name === undefined ? '' : `${name}/`}`;

/** Facts about a shared data set. Written once, after its manifest and files. */
export const sharedDatasetKey = (name: string, digest: Sha256) => `${sharedDatasetsPrefix(name)}${digest}.json`;

/** A file of shared data sets, or a manifest of one, by its content. Written once. */
export const sharedFileKey = (content: Sha256) => `v1/dataset-file/${content.slice(0, 2)}/${content}`;

/** Everything one attempt checkpoints at one step lives below this prefix. */
export const checkpointPrefix = (sweep: SweepId, trial: TrialId, attempt: number, step: number) =>
  `v1/ckpt/${sweep}/${trial}/a${attempt}/s${step}/`;

/** Written last; a checkpoint exists when its manifest does. */
export const manifestKey = (sweep: SweepId, trial: TrialId, attempt: number, step: number) =>
  `${checkpointPrefix(sweep, trial, attempt, step)}MANIFEST.json`;

/** All checkpoints of a sweep. */
export const sweepCheckpointsPrefix = (sweep: SweepId) => `v1/ckpt/${sweep}/`;

/** All checkpoints of a trial. */
export const trialCheckpointsPrefix = (sweep: SweepId, trial: TrialId) => `v1/ckpt/${sweep}/${trial}/`;

export const headKey = (sweep: SweepId, trial: TrialId) => `v1/head/${sweep}/${trial}.json`;

/** The result of a trial: final truth, put-if-absent. A person's retry is a new generation with its own key. */
export const resultKey = (sweep: SweepId, trial: TrialId, index: number, generation = 0) =>
  `${resultSegmentPrefix(sweep, index)}${trial}${generation > 0 ? `.g${generation}` : ''}.json`;

/** Results come in segments of 1,000 trials so that one listing is one page. */
export const resultSegmentPrefix = (sweep: SweepId, index: number) =>
  `${resultsPrefix(sweep)}${segmentName(segmentOf(index))}/`;

export const resultsPrefix = (sweep: SweepId) => `v1/result/${sweep}/`;

/** What a sweep is apart from its frozen file: owner, priority, finalists, how it ended. Written at every such change. */
export const sweepStatusKey = (sweep: SweepId) => `v1/sweep/${sweep}.json`;

/** Everything of a sweep's index lies below this. */
export const indexPrefix = (sweep: SweepId) => `v1/index/${sweep}/`;

/** Which parts are in force. */
export const indexHeadKey = (sweep: SweepId) => `${indexPrefix(sweep)}HEAD.json`;

/** The rows of one segment; the content's hash makes another content another object. */
export const indexPartKey = (sweep: SweepId, segment: number, contentHash: string) =>
  `${indexPrefix(sweep)}part-${segmentName(segment)}-${contentHash.slice(0, 16)}.ndjson.gz`;

/** All evidence of failed attempts of a sweep. */
export const attemptsPrefix = (sweep: SweepId) => `v1/attempt/${sweep}/`;

/** Evidence of a failed attempt that did not end the trial. */
export const attemptRecordKey = (sweep: SweepId, trial: TrialId, generation: number, attempt: number) =>
  `${attemptsPrefix(sweep)}${trial}/g${generation}-a${attempt}.json`;

/** All files beside the results of a sweep. */
export const artifactsPrefix = (sweep: SweepId) => `v1/trial-artifact/${sweep}/`;

/** Curves, sheets and other files beside a result. */
export const artifactKey = (sweep: SweepId, trial: TrialId, attempt: number, file: string) =>
  `${artifactsPrefix(sweep)}${trial}/a${attempt}/${file}`;
