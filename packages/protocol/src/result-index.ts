import { z } from 'zod';
import { ConfigurationId, Sha256, SweepId, TrialId } from './ids.js';
import { BackboneUse, EngineUse, PixelMetrics, SelectionMetrics, TestMetrics } from './result.js';
import { FailureClass, TrialPhase } from './trial.js';
import { FinalState } from './trial-state.js';

/** What leaderboards and listings read of one result; one line of an index part. */
export const IndexRow = z.object({
  trial: TrialId,
  index: z.int().min(0),
  phase: TrialPhase,
  method: z.string(),
  configuration: ConfigurationId,
  /** Report trials only: a leaderboard shows no others. */
  hyperparameters: z.record(z.string(), z.unknown()).optional(),
  normal: z.string(),
  seed: z.int(),
  /** Of the code that trained it. */
  codeVersion: Sha256,
  generation: z.int().min(0),
  resultKey: z.string(),
  state: FinalState,
  /** How earlier generations of a trial that was retried ended, in order; absent in parts of earlier versions. */
  earlier: z.array(FinalState).optional(),
  /** Classes of the failed attempts of all generations, in order. */
  failures: z.array(FailureClass),
  selection: SelectionMetrics.optional(),
  test: TestMetrics.optional(),
  pixel: PixelMetrics.optional(),
  untrained: z.object({ auroc: z.number() }).optional(),
  parameters: z.int().optional(),
  imagesPerSecond: z.number().optional(),
  scoredPerSecond: z.number().optional(),
  backbone: BackboneUse.optional(),
  /** Absent in parts of earlier versions. */
  engine: EngineUse.optional(),
  seconds: z.object({ train: z.number(), total: z.number() }).optional(),
  /** Seconds that all recorded attempts held their slots, failed ones included; absent in parts of earlier versions. */
  spentSeconds: z.number().optional(),
  endedAt: z.iso.datetime(),
  reusedFrom: z.object({ sweep: z.string(), trial: z.string() }).optional(),
});
export type IndexRow = z.infer<typeof IndexRow>;

/** One segment of a sweep's results in one object: rows as gzipped lines of JSON. Written once, named by its content. */
export const IndexPart = z.object({
  key: z.string(),
  /** Trial index / 1,000, as in the results' keys. */
  segment: z.int().min(0),
  rows: z.int().min(0),
});
export type IndexPart = z.infer<typeof IndexPart>;

/** Which parts make up a sweep's index; moved by compare-and-set. What it does not cover is read from the results. */
export const IndexHead = z.object({
  version: z.literal(1),
  sweep: SweepId,
  dataset: z.object({ name: z.string(), digest: Sha256, protocol: z.string(), splitSeed: z.int() }),
  parts: z.array(IndexPart),
  /** The sweep is over and every result is in a part. */
  complete: z.boolean(),
});
export type IndexHead = z.infer<typeof IndexHead>;
