import { z } from 'zod';
import { Failure } from './failure.js';
import { ConfigurationId, Sha256, SweepId, TrialId, WorkerId } from './ids.js';
import { ImageSize } from './image-size.js';
import { FinalState, TrialState } from './trial-state.js';
import { Version1 } from './version.js';

/** Search trials rank configurations; report trials retrain the finalists with fresh seeds and alone feed AUROC columns. */
export const TrialPhase = z.enum(['search', 'report']);
export type TrialPhase = z.infer<typeof TrialPhase>;

/** The failure classes of design section 7, each with its own budget, back-off and action. */
export const FailureClass = z.enum([
  'user',
  'oom-gpu',
  'oom-host',
  'preempted',
  'node-lost',
  'infra',
  'data',
  'timeout',
]);
export type FailureClass = z.infer<typeof FailureClass>;

/** Which epoch's weights a trial keeps; never a test metric. */
export const CheckpointRule = z.discriminatedUnion('rule', [
  z.object({ rule: z.literal('last') }),
  z.object({ rule: z.literal('epoch'), epoch: z.int().min(1) }),
  z.object({
    rule: z.literal('best'),
    metric: z.enum(['selection.loss', 'selection.auroc']),
    /** Epoch e (from 1) competes when e > burnIn * epochs. */
    burnIn: z.number().min(0).lt(1),
    /** Once the metric of a kept epoch is this good, later epochs no longer compete. */
    enough: z.number().optional(),
  }),
]);
export type CheckpointRule = z.infer<typeof CheckpointRule>;

/** Which images: enough for a worker to find the files and cut the same splits. */
export const TrialDataset = z.object({
  /** Name in the dataset registry, or a folder's registered name. */
  name: z.string(),
  /** Folder given by the user, for data sets that are not fetched. */
  root: z.string().optional(),
  protocol: z.string(),
  /** The class that counts as normal. */
  normal: z.string(),
  splitSeed: z.int(),
  /** Fractions of the normal training images held out. */
  selectionFraction: z.number().gt(0).lt(0.5),
  calibrationFraction: z.number().gt(0).lt(0.5),
  /** Content digest of the source files the sweep was planned with. */
  digest: Sha256,
  /** Image size the model sees. */
  input: ImageSize,
});
export type TrialDataset = z.infer<typeof TrialDataset>;

/** One trial, fully resolved: method, hyperparameters, one normal class, one seed. Immutable once planned. */
export const TrialSpec = z.object({
  version: z.literal(1),
  sweep: SweepId,
  trial: TrialId,
  /** Position in the sweep, from 0: search trials first, report trials after them. */
  index: z.int().min(0),
  phase: TrialPhase,
  method: z.string(),
  hyperparameters: z.record(z.string(), z.unknown()),
  configuration: ConfigurationId,
  dataset: TrialDataset,
  seed: z.int(),
  checkpointRule: CheckpointRule,
  /** Wall time after which an attempt is ended with failure class timeout. */
  timeoutMs: z.int().positive(),
  /** Digest over the code that computes numbers: method, kit, backbones, evaluation, data, training loop, versions of packages. */
  codeVersion: Sha256,
  /**
   * Digest over everything planned that decides the numbers: equal identities are the same trial and are reused on the same class of
   * workers. The engine is no part of it: the worker brings it, and each result names it.
   */
  identity: Sha256,
});
export type TrialSpec = z.infer<typeof TrialSpec>;

/** One ended attempt that did not end the trial. */
export const AttemptRecord = z.object({
  version: Version1,
  attempt: z.int().min(1),
  worker: WorkerId.optional(),
  class: FailureClass,
  failure: Failure,
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime(),
});
export type AttemptRecord = z.infer<typeof AttemptRecord>;

/** What ended a trial; `FinalState` plus the words for people. */
export const Ending = z.object({ state: FinalState, reason: z.string().optional() });
export type Ending = z.infer<typeof Ending>;

/** The live truth of a trial: one record in the state store (bucket `trial`, key `<sweep>.<trial>`). */
export const TrialRecord = z.object({
  version: z.literal(1),
  sweep: SweepId,
  trial: TrialId,
  /** The term of the leader that wrote it; absent where there is no election. */
  term: z.int().min(1).optional(),
  index: z.int().min(0),
  phase: TrialPhase,
  state: TrialState,
  /** Why it is in this state, for people. */
  reason: z.string().optional(),
  /** Claims so far; the current claim's number is the fencing token. */
  attempt: z.int().min(0),
  /** Raised by one when a person asks for a retry of a final trial; a new generation has its own result key. */
  generation: z.int().min(0),
  worker: WorkerId.optional(),
  /** Work queue sequence while dispatched or running. */
  queueSequence: z.int().optional(),
  failures: z.array(AttemptRecord),
  /**
   * How the controller has decided to end it, noted before the result is written. Whoever leads then writes that result and
   * nothing else: so a result that a deposed leader still sends never meets an attempt that its successor began.
   */
  ending: Ending.optional(),
  /** Not before this time is it dispatched again (back-off). */
  notBefore: z.iso.datetime().optional(),
  cancelRequest: z
    .object({ at: z.iso.datetime(), deadline: z.iso.datetime(), by: z.string(), pause: z.boolean() })
    .optional(),
  queuedAt: z.iso.datetime(),
  dispatchedAt: z.iso.datetime().optional(),
  startedAt: z.iso.datetime().optional(),
  finishedAt: z.iso.datetime().optional(),
  /** Key of the result object once final. */
  resultKey: z.string().optional(),
  /** The earlier trial whose result this one reuses. */
  reusedFrom: z.object({ sweep: SweepId, trial: TrialId }).optional(),
  /** The search objective's value once completed, in the sweep's own direction. */
  objective: z.number().optional(),
  /** The code that trained it, where that is not the code it was planned with. */
  otherCode: Sha256.optional(),
});
export type TrialRecord = z.infer<typeof TrialRecord>;

/** A worker's claim (bucket `lease`, same key as the trial). Renewed by compare-and-set; a refused renewal stops the worker. */
export const Lease = z.object({
  version: Version1,
  attempt: z.int().min(1),
  worker: WorkerId,
  renewedAt: z.iso.datetime(),
  /** The worker let go on purpose; the next claim need not wait. */
  released: z.boolean().optional(),
});
export type Lease = z.infer<typeof Lease>;

/** The body of a work queue message. */
export const TrialAssignment = z.object({
  version: z.literal(1),
  sweep: SweepId,
  trial: TrialId,
  generation: z.int().min(0),
  /** What to train; absent when it is too large for a message. */
  spec: TrialSpec.optional(),
  /** Key of the object that holds the spec where the message does not. */
  specKey: z.string(),
  /** A person resumed the sweep although the code had changed: a worker with other code than planned trains it. */
  codeChangeAccepted: z.boolean().optional(),
});
export type TrialAssignment = z.infer<typeof TrialAssignment>;
