import { z } from 'zod';
import { Sha256, SweepId } from './ids.js';
import { BackboneUse, EngineUse } from './result.js';
import { FailureClass } from './trial.js';
import { FinalState } from './trial-state.js';

/**
 * A metric over report seeds: classes are averaged within a seed first, then mean and spread are taken over seeds.
 * Spread over classes never enters. Below three seeds there is no spread.
 */
export const SeedSummary = z.object({
  mean: z.number(),
  /** Sample standard deviation over seeds; null below three seeds. */
  std: z.number().nullable(),
  /** 95 % Student-t interval of the mean over seeds; null below three seeds. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  seeds: z.int().min(1),
});
export type SeedSummary = z.infer<typeof SeedSummary>;

/** A summary that readers of old leaderboards take as absent. */
const LaterSummary = SeedSummary.nullable().default(null);

/** An image-level AUROC that somebody published for exactly this data set, protocol and class set. */
export const PublishedFigure = z.object({
  auroc: z.number(),
  source: z.string(),
  /** Whether anybody but the authors has publicly reproduced it. */
  reproduced: z.boolean(),
  /** Our mean minus theirs; null without a mean of ours. */
  difference: z.number().nullable(),
});
export type PublishedFigure = z.infer<typeof PublishedFigure>;

/** The same of a pixel metric; readers of old leaderboards take it as absent. */
export const PublishedPixelFigure = PublishedFigure.omit({ auroc: true }).extend({ value: z.number() });
export type PublishedPixelFigure = z.infer<typeof PublishedPixelFigure>;
const LaterFigure = PublishedPixelFigure.nullable().default(null);

/** One normal class of a row. */
export const LeaderboardClass = z.object({
  normal: z.string(),
  auroc: SeedSummary.nullable(),
  averagePrecision: SeedSummary.nullable(),
  fprAt95Tpr: SeedSummary.nullable(),
  untrainedAuroc: SeedSummary.nullable(),
  pixelAuroc: LaterSummary,
  pixelAveragePrecision: LaterSummary,
  pro: LaterSummary,
  published: PublishedFigure.nullable(),
  publishedPixelAuroc: LaterFigure,
  publishedPro: LaterFigure,
});
export type LeaderboardClass = z.infer<typeof LeaderboardClass>;

/** One configuration (all its report seeds and classes), or a method that has none yet. */
export const LeaderboardRow = z.object({
  /** From 1; equal means share a rank. Null for what cannot be compared; `unrankedReason` says why. */
  rank: z.int().min(1).nullable(),
  unrankedReason: z.string().nullable(),
  method: z.string(),
  /** Null when the method has no finalist. */
  configuration: z.string().nullable(),
  hyperparameters: z.record(z.string(), z.unknown()).nullable(),
  /** The network the method looks through and its weights: `random`, or their digest; null for none. */
  backbone: BackboneUse.omit({ seed: true }).nullable().default(null),
  sweeps: z.array(z.string()),
  /** Report seeds that completed every class. */
  seeds: z.array(z.int()),
  auroc: SeedSummary.nullable(),
  averagePrecision: SeedSummary.nullable(),
  fprAt95Tpr: SeedSummary.nullable(),
  /** The same models before their first step. */
  untrainedAuroc: SeedSummary.nullable(),
  /** What ranking saw, beside what test says. */
  selectionAuroc: SeedSummary.nullable(),
  /** Pixel metrics, where the data set has masks and the method maps. */
  pixelAuroc: LaterSummary,
  pixelAveragePrecision: LaterSummary,
  pro: LaterSummary,
  /** Trainable parameters; null where no report trial told, or they told different ones. */
  parameters: z.int().nullable().default(null),
  /** Mean speeds of the report trials; null where none told. */
  trainedPerSecond: z.number().nullable().default(null),
  scoredPerSecond: z.number().nullable().default(null),
  classes: z.array(LeaderboardClass),
  /** Different configurations of this method in the group, searched or reported, over all sweeps. */
  configurationsTried: z.int().min(0),
  /** Seconds that recorded attempts held their slots, failed ones included: all search trials of the method in the group; the report trials of this row. */
  searchSeconds: z.number(),
  reportSeconds: z.number(),
  /** Trials of this row (both phases) by how they ended. */
  endings: z.partialRecord(FinalState, z.int()),
  /** How those of them that were retried had ended before. */
  retried: z.partialRecord(FinalState, z.int()).default({}),
  /** Failed attempts of these trials by class, those before a retry included. */
  failures: z.partialRecord(FailureClass, z.int()),
  published: PublishedFigure.nullable(),
  publishedPixelAuroc: LaterFigure,
  publishedPro: LaterFigure,
  /** Code that computed the numbers; more than one is a reason for care. */
  codeVersions: z.array(Sha256),
  /** Report trials of the configuration that are not in the numbers, because older code computed them. */
  olderTrials: z.int().min(0).default(0),
  /** Engines that computed the numbers, each once; null: some result was indexed before its engine was. */
  engines: z.array(EngineUse.nullable()).default([]),
});
export type LeaderboardRow = z.infer<typeof LeaderboardRow>;

/** Rows that may be compared: the same images, split the same way, with the same normal classes. */
export const LeaderboardGroup = z.object({
  dataset: z.string(),
  dataDigest: Sha256,
  protocol: z.string(),
  splitSeed: z.int(),
  /** Normal classes, sorted. */
  classes: z.array(z.string()),
  rows: z.array(LeaderboardRow),
});
export type LeaderboardGroup = z.infer<typeof LeaderboardGroup>;

/** The ordered view of results; a fold over them that can be deleted and rebuilt. */
export const Leaderboard = z.object({
  version: z.literal(1),
  groups: z.array(LeaderboardGroup),
  /** Sweeps of which something cannot be read, and what; nothing above holds a number of theirs. Absent when there is none. */
  leftOut: z.array(z.object({ sweep: SweepId, reason: z.string() })).optional(),
});
export type Leaderboard = z.infer<typeof Leaderboard>;
