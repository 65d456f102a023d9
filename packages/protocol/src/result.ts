import { z } from 'zod';
import { Failure } from './failure.js';
import { Sha256, WorkerId } from './ids.js';
import { AttemptRecord, Ending, TrialSpec } from './trial.js';

/** What checkpoint rules and ranking may see. Nothing here was computed from test images. */
export const SelectionMetrics = z.object({
  /** AUROC of held-out normals against synthetic anomalies made from them, in [0, 1]. */
  auroc: z.number(),
  /** Mean `selection.loss` of the held-out normals (the specs' validation error). */
  loss: z.number(),
});
export type SelectionMetrics = z.infer<typeof SelectionMetrics>;

/** Image-level test metrics; anomalous is the positive class. All in [0, 1] but the threshold. */
export const TestMetrics = z.object({
  auroc: z.number(),
  averagePrecision: z.number(),
  f1Max: z.number(),
  /** Score at which F1 is largest. Tells separability, is not a usable threshold: it was found on test labels. */
  f1MaxThreshold: z.number(),
  fprAt95Tpr: z.number(),
  /** 95 % bootstrap interval of AUROC over test images of this one model; not a spread over seeds. */
  aurocImageInterval: z.tuple([z.number(), z.number()]),
  normalImages: z.int(),
  anomalousImages: z.int(),
});
export type TestMetrics = z.infer<typeof TestMetrics>;

/**
 * How well the anomaly maps show where test images are defective, at the working resolution; anomalous is the positive class. All
 * rates in [0, 1].
 */
export const PixelMetrics = z.object({
  /** Area under the ROC curve over all pixels of all test images. */
  auroc: z.number(),
  /** The same over the defective images alone, as some papers report it; null when those have no normal pixel. */
  aurocDefective: z.number().nullable(),
  averagePrecision: z.number(),
  /** Per-region overlap, averaged over false positive rates from 0 to 0.3. */
  pro: z.number(),
  /** 8-connected regions over all masks. */
  regions: z.int(),
  anomalousPixels: z.int(),
  normalPixels: z.int(),
  /** Size of maps and masks when they were compared. */
  height: z.int(),
  width: z.int(),
});
export type PixelMetrics = z.infer<typeof PixelMetrics>;

/** What held-out normal images say about the scores: enough to turn a score into a decision without a test set. */
export const Calibration = z.object({
  images: z.int(),
  mean: z.number(),
  std: z.number(),
  /** Score thresholds by the share of normal images they let pass, e.g. "0.95". */
  quantiles: z.record(z.string(), z.number()),
});
export type Calibration = z.infer<typeof Calibration>;

/** A stored object by reference: bucket-relative key, size and content hash. */
export const ObjectReference = z.object({
  key: z.string(),
  bytes: z.int(),
  sha256: Sha256,
  contentType: z.string().optional(),
});
export type ObjectReference = z.infer<typeof ObjectReference>;

/** The facts of the machine that trained, for reproduction. */
export const EngineFacts = z.object({
  backend: z.string(),
  tensorflow: z.string(),
  gpu: z.boolean(),
  /** TensorFlow threads; 1 and 2 threads give different bits, so resume asks for the same number. */
  threads: z.int().min(1),
  node: z.string(),
  platform: z.string(),
});
export type EngineFacts = z.infer<typeof EngineFacts>;

/** What of an engine may change a number's bits. */
export const EngineUse = EngineFacts.pick({ tensorflow: true, gpu: true, threads: true });
export type EngineUse = z.infer<typeof EngineUse>;

/** An engine for people; a result of an earlier version may not tell. */
export function engineText(engine: EngineUse | null | undefined): string {
  if (engine === null || engine === undefined) return 'an engine that was not noted';
  const { tensorflow, gpu, threads } = engine;
  return `TensorFlow ${tensorflow} on ${gpu ? 'GPU' : 'CPU'}, ${threads} thread${threads === 1 ? '' : 's'}`;
}

/** The pretrained or random network a method looks through; numbers of a random one are never those of a paper. */
export const BackboneUse = z.object({
  architecture: z.string(),
  /** `random`, or the digest of the weights. */
  weights: z.union([z.literal('random'), Sha256]),
  /** Seed a random one was drawn from. */
  seed: z.int().optional(),
});
export type BackboneUse = z.infer<typeof BackboneUse>;

/**
 * The final truth of a trial: one object, written once, for final states only. `test`, `untrained` and `calibration`
 * exist for completed trials; a failed trial has `failure`.
 */
export const TrialResult = z.object({
  version: z.literal(1),
  spec: TrialSpec,
  attempt: z.int().min(0),
  generation: z.int().min(0),
  ending: Ending,
  failure: Failure.optional(),
  failures: z.array(AttemptRecord),
  selection: SelectionMetrics.optional(),
  test: TestMetrics.optional(),
  /** For report trials of methods with maps on data sets with masks. */
  pixel: PixelMetrics.optional(),
  /** The same model before its first step, on the same test images: what learning has to beat. */
  untrained: z.object({ auroc: z.number() }).optional(),
  /** Test AUROC of the card's other scores, diagnostic. */
  otherScores: z.record(z.string(), z.number()).optional(),
  calibration: Calibration.optional(),
  /** Absent where the method looks at pixels itself. */
  backbone: BackboneUse.optional(),
  /** Epoch whose weights were kept, from 1. */
  keptEpoch: z.int().optional(),
  epochs: z.int().optional(),
  steps: z.int().optional(),
  /** Trainable parameters over all networks. */
  parameters: z.int().optional(),
  splitDigest: Sha256.optional(),
  engine: EngineFacts.optional(),
  /** Digest of the code that trained, as `spec.codeVersion` of the code it was planned with; see `trainedWith`. */
  codeVersion: Sha256.optional(),
  worker: WorkerId.optional(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime(),
  /** Seconds of training and of everything, over all attempts of this process; time never decides an identity. */
  seconds: z.object({ train: z.number(), total: z.number() }).optional(),
  /** Training images a second, each epoch counting all of them. */
  imagesPerSecond: z.number().optional(),
  /** Test images scored a second, the method's own score alone, reading them included. */
  scoredPerSecond: z.number().optional(),
  artifacts: z.record(z.string(), ObjectReference),
  /** Set when this result was taken over from an identical trial. */
  reusedFrom: z.object({ sweep: z.string(), trial: z.string() }).optional(),
});
export type TrialResult = z.infer<typeof TrialResult>;

/** The code that a result's numbers come from. Results of earlier versions, and those that no worker wrote, know only the planned one. */
export function trainedWith({ spec, codeVersion }: Pick<TrialResult, 'spec' | 'codeVersion'>): Sha256 {
  return codeVersion ?? spec.codeVersion;
}

/** What ranking of configurations may see of a search trial: a result with everything about test removed. */
export interface SearchOutcome {
  readonly spec: TrialSpec;
  readonly ending: Ending;
  readonly selection: SelectionMetrics | undefined;
}

/** Cuts a result down to what ranking may see. */
export function toSearchOutcome(result: TrialResult): SearchOutcome {
  return { spec: result.spec, ending: result.ending, selection: result.selection };
}
