import { z } from 'zod';
import { Sha256, SweepId, TrialId, WorkerId } from './ids.js';
import { EngineFacts, ObjectReference, TrialResult } from './result.js';
import { Ending } from './trial.js';

/** Appended after the result object is stored and before the message is acked (subject `result.<sweep>.<trial>.<generation>.<attempt>`). */
export const ResultEvent = z.object({
  version: z.literal(1),
  type: z.literal('result'),
  sweep: SweepId,
  trial: TrialId,
  generation: z.int().min(0),
  attempt: z.int().min(0),
  ending: Ending,
  resultKey: z.string(),
  /** What the object at `resultKey` holds, which spares reading it; absent when it is too large for an event. */
  result: TrialResult.optional(),
});
export type ResultEvent = z.infer<typeof ResultEvent>;

/** An attempt ended without a final state; the controller decides about a retry (subject `attempt.<sweep>.<trial>.<generation>.<attempt>`). */
export const AttemptEvent = z.object({
  version: z.literal(1),
  type: z.literal('attempt'),
  sweep: SweepId,
  trial: TrialId,
  generation: z.int().min(0),
  attempt: z.int().min(1),
  recordKey: z.string(),
});
export type AttemptEvent = z.infer<typeof AttemptEvent>;

/** A worker let go of a trial on purpose, checkpoint committed (subject `release.<sweep>.<trial>.<generation>.<attempt>`). */
export const ReleaseEvent = z.object({
  version: z.literal(1),
  type: z.literal('release'),
  sweep: SweepId,
  trial: TrialId,
  generation: z.int().min(0),
  attempt: z.int().min(1),
  reason: z.enum(['cancelled', 'paused', 'drained']),
});
export type ReleaseEvent = z.infer<typeof ReleaseEvent>;

/** Columns of numbers from one trial (subject `metric.<sweep>.<trial>`); every column has one value a step of `epochs`. */
export const MetricBatch = z.object({
  version: z.literal(1),
  type: z.literal('metric'),
  sweep: SweepId,
  trial: TrialId,
  attempt: z.int().min(1),
  /** Finished epochs these rows belong to. */
  epochs: z.array(z.int()),
  columns: z.record(z.string(), z.array(z.number().nullable())),
});
export type MetricBatch = z.infer<typeof MetricBatch>;

/** Live progress of one attempt, ephemeral (topic `progress.<sweep>.<trial>`). */
export const TrialProgress = z.object({
  version: z.literal(1),
  sweep: SweepId,
  trial: TrialId,
  attempt: z.int().min(1),
  worker: WorkerId,
  stage: z.enum(['loading', 'training', 'evaluating', 'storing']),
  epoch: z.int().min(0),
  epochs: z.int().min(0),
  step: z.int().min(0),
  steps: z.int().min(0),
  imagesPerSecond: z.number().optional(),
  etaSeconds: z.number().optional(),
  /** Latest mean of each loss term. */
  losses: z.record(z.string(), z.number()),
  selection: z.record(z.string(), z.number()).optional(),
});
export type TrialProgress = z.infer<typeof TrialProgress>;

/** One log line of a trial, ephemeral live and stored with the attempt (topic `log.<sweep>.<trial>`). */
export const LogLine = z.object({
  version: z.literal(1),
  sweep: SweepId,
  trial: TrialId,
  attempt: z.int().min(1),
  at: z.iso.datetime(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  message: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;

/** A worker says it is alive (`heartbeatTopic`). */
export const WorkerHeartbeat = z.object({
  version: z.literal(1),
  worker: WorkerId,
  at: z.iso.datetime(),
  class: z.string(),
  slots: z.int().min(0),
  busy: z.array(z.object({ sweep: SweepId, trial: TrialId, attempt: z.int() })),
  state: z.enum(['starting', 'ready', 'draining']),
  codeVersion: z.string(),
  engine: EngineFacts.optional(),
  rssBytes: z.int().optional(),
  /** Checkpoints committed since the last heartbeat: how long it took from the files to the manifest, and how large they are. */
  checkpoints: z.array(z.object({ seconds: z.number().min(0), bytes: z.int().min(0) })).optional(),
});
export type WorkerHeartbeat = z.infer<typeof WorkerHeartbeat>;

/** An order to one worker (`orderTopic`). */
export const WorkerOrder = z.discriminatedUnion('order', [
  z.object({
    version: z.literal(1),
    order: z.literal('stop-trial'),
    sweep: SweepId,
    trial: TrialId,
    attempt: z.int(),
    reason: z.enum(['cancelled', 'paused', 'fenced']),
    checkpoint: z.boolean(),
  }),
  z.object({ version: z.literal(1), order: z.literal('drain') }),
]);
export type WorkerOrder = z.infer<typeof WorkerOrder>;

/** Written last: a checkpoint exists when its manifest does. */
export const CheckpointManifest = z.object({
  version: z.literal(1),
  sweep: SweepId,
  trial: TrialId,
  attempt: z.int().min(1),
  /** Finished epochs and steps. */
  epoch: z.int().min(0),
  step: z.int().min(0),
  /** TensorFlow threads that trained it. */
  threads: z.int().min(1),
  /** Digest of the code that trained it; absent in checkpoints of earlier versions: then the planned one. */
  codeVersion: Sha256.optional(),
  files: z.array(ObjectReference),
});
export type CheckpointManifest = z.infer<typeof CheckpointManifest>;

/** Points at the newest committed manifest of a trial; moved by compare-and-set. */
export const CheckpointHead = z.object({
  version: z.literal(1),
  attempt: z.int().min(1),
  step: z.int().min(0),
  manifestKey: z.string(),
  sha256: z.string(),
});
export type CheckpointHead = z.infer<typeof CheckpointHead>;
