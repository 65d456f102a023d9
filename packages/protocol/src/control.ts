import { z } from 'zod';
import { CheckpointHead, WorkerHeartbeat } from './events.js';
import { Failure } from './failure.js';
import { Sha256, SweepId, TrialId } from './ids.js';
import { ImageSize } from './image-size.js';
import { SelectionMetrics, TrialResult } from './result.js';
import { TrialPhase, TrialRecord, TrialSpec } from './trial.js';
import { RetriableState, TrialState } from './trial-state.js';
import { Version1 } from './version.js';

/** `search` runs the space; `report` retrains the finalists; the rest are ends or a person's pause. */
export const SweepState = z.enum(['search', 'report', 'paused', 'completed', 'cancelled', 'failed']);
export type SweepState = z.infer<typeof SweepState>;

/** A finalist: the configuration chosen for one method, by its position in that method's grid. */
export const Finalist = z.object({
  method: z.string(),
  configuration: z.string(),
  /** Position of the configuration in the sweep's enumeration of search configurations. */
  configurationIndex: z.int().min(0),
  /** Mean objective over classes and search seeds that made it a finalist; null where nothing was searched. */
  objective: z.number().nullable(),
});
export type Finalist = z.infer<typeof Finalist>;

/** Live truth of a sweep (bucket `sweep`, key `<sweep>`). The frozen spec is the object at `sweepSpecKey`. */
export const SweepRecord = z.object({
  version: z.literal(1),
  sweep: SweepId,
  /** The term of the leader that wrote it; absent where there is no election. */
  term: z.int().min(1).optional(),
  name: z.string(),
  owner: z.string(),
  state: SweepState,
  /** State to return to when a pause ends. */
  pausedFrom: z.enum(['search', 'report']).optional(),
  reason: z.string().optional(),
  priority: z.enum(['high', 'normal', 'low']),
  /** Most trials in flight at once. */
  parallel: z.int().min(1),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().optional(),
  searchTrials: z.int().min(0),
  /** Known once the finalists are. */
  reportTrials: z.int().min(0).optional(),
  finalists: z.array(Finalist).optional(),
  /** Trials whose records exist; the rest of the grid is not expanded yet. */
  expanded: z.int().min(0),
  idempotencyKey: z.string().optional(),
  /** Nothing is reused and nothing of this sweep's id existed before. */
  fresh: z.boolean(),
  specDigest: Sha256,
  /** Sweeps that must be over before this one starts (`--if-active queue` and `replace`). */
  after: z.array(SweepId).optional(),
  /** Cancelling: no trial starts any more; the state changes once the last one has ended. */
  cancelRequest: z.object({ at: z.iso.datetime(), deadline: z.iso.datetime(), by: z.string() }).optional(),
  /** A person resumed it although the code had changed since it was planned. */
  codeChangeAccepted: z.boolean().optional(),
  /** How the trials ended, written together with the sweep's final state. */
  tally: z.object({ counts: z.record(TrialState, z.int()), reused: z.int() }).optional(),
});
export type SweepRecord = z.infer<typeof SweepRecord>;

/** Reasons for people; codes are stable, words are not. */
const Reasons = z.array(z.object({ code: z.string(), message: z.string() }));

export const SweepSummary = SweepRecord.extend({
  methods: z.array(z.string()),
  dataset: z.string(),
  protocol: z.string(),
  normal: z.array(z.string()),
  /** The class of workers that it waits for; absent in answers of earlier versions. */
  class: z.string().optional(),
  /** Expanded trials by state. */
  counts: z.record(TrialState, z.int()),
  /** Completed trials whose result was taken over from an identical one. */
  reused: z.int(),
  /** Why none of its trials runs, the binding constraint first; only when one active sweep is asked for. */
  waits: Reasons.optional(),
  /** What stands in its way: something stored of it cannot be read. A sweep that is not over is held until it can. */
  problem: z.string().optional(),
});
export type SweepSummary = z.infer<typeof SweepSummary>;

export const SubmitSweep = z.object({
  version: z.literal(1),
  /** The sweep file's text after `--set`; the controller parses and checks it again. */
  source: z.string(),
  /** Name for messages. */
  file: z.string(),
  /** Folder that relative dataset roots start from. */
  directory: z.string(),
  fresh: z.boolean(),
  idempotencyKey: z.string().optional(),
  /**
   * What to do when a sweep of this name is active and this one is another: `join` runs both (default), `skip` leaves
   * everything as it is, `fail` refuses, `queue` starts after it, `replace` cancels it and starts after it. The same sweep is
   * always joined.
   */
  ifActive: z.enum(['join', 'skip', 'fail', 'queue', 'replace']),
  priority: z.enum(['high', 'normal', 'low']),
});
export type SubmitSweep = z.infer<typeof SubmitSweep>;

export const SweepAccepted = z.object({
  version: Version1,
  sweep: SweepId,
  /** False when the sweep was already there: submitting twice is the same sweep. */
  created: z.boolean(),
  /** True when `ifActive: skip` left everything as it was. */
  skipped: z.boolean(),
  searchTrials: z.int(),
  reportTrials: z.int(),
  /** Sweeps that it waits for. */
  after: z.array(SweepId).optional(),
});
export type SweepAccepted = z.infer<typeof SweepAccepted>;

/** What the controller found out about a data set. */
export const DatasetLook = z.object({
  version: Version1,
  /** What can be normal under the protocol asked for. */
  classes: z.array(z.string()),
  /** Protocols that can split it. */
  protocols: z.array(z.string()),
  shape: ImageSize,
  digest: Sha256,
});
export type DatasetLook = z.infer<typeof DatasetLook>;

export const TrialSummary = TrialRecord.extend({
  method: z.string(),
  normal: z.string(),
  seed: z.int(),
  hyperparameters: z.record(z.string(), z.unknown()),
  selection: SelectionMetrics.optional(),
});
export type TrialSummary = z.infer<typeof TrialSummary>;

export const TrialDetail = z.object({
  version: Version1,
  record: TrialRecord,
  spec: TrialSpec,
  result: TrialResult.optional(),
  checkpoint: CheckpointHead.optional(),
  /** Where the artifacts lie: absolute file paths embedded, object URLs in a cluster. */
  artifactLocations: z.record(z.string(), z.string()),
});
export type TrialDetail = z.infer<typeof TrialDetail>;

/** Why a trial is where it is: the binding constraint first. */
export const TrialWhy = z.object({
  version: Version1,
  trial: TrialId,
  state: TrialState,
  reasons: Reasons,
});
export type TrialWhy = z.infer<typeof TrialWhy>;

export const WorkerSummary = WorkerHeartbeat.omit({ checkpoints: true }).extend({ secondsSinceHeartbeat: z.number() });
export type WorkerSummary = z.infer<typeof WorkerSummary>;

/** A worker pod on Kubernetes as the controller sees it, whether it has sent a sign of life or not. */
export const WorkerPod = z.object({
  /** The worker's id once there is a pod. */
  worker: z.string().optional(),
  job: z.string(),
  pool: z.string(),
  /**
   * `pending`: no node yet, or held back by a queue; `unschedulable`: no node fits; `pulling`: on a node, not running yet;
   * `starting`: running, cannot train yet; `draining`: takes no more trials; `lost`: its node does not answer.
   */
  state: z.enum(['pending', 'unschedulable', 'pulling', 'starting', 'idle', 'busy', 'draining', 'lost']),
  /** What holds it there. */
  reason: z.string().optional(),
  node: z.string().optional(),
  createdAt: z.iso.datetime(),
});
export type WorkerPod = z.infer<typeof WorkerPod>;

/** A pool of worker pods. */
export const PoolStatus = z.object({
  pool: z.string(),
  class: z.string(),
  min: z.int(),
  max: z.int(),
  /** Workers there should be, and workers there are. */
  desired: z.int(),
  workers: z.int(),
  conditions: z.array(
    z.object({
      /** `Valid`: the API server takes its Jobs. `Creating`: the last Job was made. */
      type: z.enum(['Valid', 'Creating', 'CircuitOpen', 'Drained']),
      status: z.enum(['True', 'False', 'Unknown']),
      message: z.string(),
    }),
  ),
});
export type PoolStatus = z.infer<typeof PoolStatus>;

export const ControllerStatus = z.object({
  version: z.literal(1),
  adctl: z.string(),
  pid: z.int(),
  startedAt: z.iso.datetime(),
  /** When it answered, by its own clock. */
  at: z.iso.datetime().optional(),
  deployment: z.enum(['embedded', 'cluster']),
  /** Cluster: which replica answers. */
  controller: z.string().optional(),
  /** Embedded: the `.adctl` folder. */
  directory: z.string().optional(),
  /** Where the objects lie, and what the store was seen to do at start. */
  objects: z
    .object({
      kind: z.enum(['filesystem', 's3']),
      place: z.string(),
      mode: z.enum(['full', 'single-writer']),
      capabilities: z.record(z.string(), z.boolean()),
    })
    .optional(),
  /** Cluster: the server as the controller found it. */
  nats: z.object({ serverVersion: z.string(), replicas: z.int() }).optional(),
  workers: z.array(WorkerSummary),
  /** On Kubernetes: pools, and the pods of workers that have not ended. */
  pools: z.array(PoolStatus).optional(),
  pods: z.array(WorkerPod).optional(),
  /** Classes without a worker that sweeps wait for, and why there is none. */
  waiting: z.array(z.object({ class: z.string(), sweeps: z.int().min(1), reasons: Reasons })).optional(),
  slots: z.int(),
  activeSweeps: z.int(),
  illegalTransitions: z.int(),
});
export type ControllerStatus = z.infer<typeof ControllerStatus>;

/** How far a rebuild has come; the last one's account when none runs. */
export const RebuildProgress = z.object({
  version: Version1,
  state: z.enum(['idle', 'running', 'done', 'failed']),
  /** Sweeps found in the object store, and looked through so far. */
  sweeps: z.int(),
  sweepsDone: z.int(),
  /** Records that were made; what was there already is left alone. */
  sweepsCreated: z.int(),
  trialsCreated: z.int(),
  /** Results looked at. */
  results: z.int(),
  /** Sweeps whose frozen file cannot be read, and results that cannot: left as they are. */
  unreadable: z.array(z.string()),
  failure: Failure.optional(),
});
export type RebuildProgress = z.infer<typeof RebuildProgress>;

/**
 * Why a checkpoint stays: its attempt's claim is `held`, it is too `young`, among the `last`, the `best`, where the `head` points, of
 * a `top` trial. Why it goes: `unfinished` (no manifest), `superseded` by newer ones, of a `past` sweep.
 */
export const GcReason = z.enum(['held', 'young', 'last', 'best', 'head', 'top', 'unfinished', 'superseded', 'past']);
export type GcReason = z.infer<typeof GcReason>;

/** How far a garbage collection has come; the last one's account when none runs. */
export const GcProgress = z.object({
  version: Version1,
  state: z.enum(['idle', 'running', 'done', 'failed']),
  /** Nothing is deleted; everything else is as if. */
  dryRun: z.boolean(),
  sweeps: z.int(),
  sweepsDone: z.int(),
  /** Checkpoints by reason. */
  kept: z.partialRecord(GcReason, z.int()),
  deleted: z.partialRecord(GcReason, z.int()),
  /** Parts of the index of results that were deleted because newer ones took their place. */
  indexParts: z.int().default(0),
  /** Bytes of everything that was deleted. */
  bytes: z.number(),
  /** Key prefixes of deleted checkpoints, the first 200. */
  prefixes: z.array(z.string()),
  failure: Failure.optional(),
});
export type GcProgress = z.infer<typeof GcProgress>;

/** Trials that were queued again. */
export const SweepRetried = z.object({ version: Version1, retried: z.int() });
export type SweepRetried = z.infer<typeof SweepRetried>;

const Request = z.object({ version: Version1 });
export const SweepRef = Request.extend({ sweep: SweepId });
const TrialRef = Request.extend({ sweep: SweepId.optional(), trial: TrialId });
/** A unique prefix of a trial id is enough. */
const TrialPrefix = Request.extend({ sweep: SweepId.optional(), trial: z.string().min(1) });

/**
 * Payload schema of every verb the controller serves; payloads of writers that name no version are of version 1. Answers are
 * the schemas named in the comments.
 */
export const ControlRequest = {
  /** → SweepAccepted */
  'sweeps.submit': SubmitSweep,
  /** → SweepSummary[] newest first */
  'sweeps.list': Request.extend({ active: z.boolean().optional() }),
  /** → SweepSummary */
  'sweeps.show': SweepRef,
  /** → SweepSummary */
  'sweeps.pause': SweepRef,
  /** → SweepSummary */
  'sweeps.resume': SweepRef,
  /** `now` revokes claims at once; otherwise workers get the deadline to checkpoint. → SweepSummary */
  'sweeps.cancel': SweepRef.extend({ now: z.boolean(), deadlineSeconds: z.number().positive().optional() }),
  /** Edits a sweep that is not over. → SweepSummary */
  'sweeps.set': SweepRef.extend({
    parallel: z.int().min(1).optional(),
    priority: z.enum(['high', 'normal', 'low']).optional(),
  }),
  /**
   * Retries final trials that ended in one of these states (default: all but diverged, which is an outcome of training), or only those
   * whose last failure is of some classes. → SweepRetried
   */
  'sweeps.retry': SweepRef.extend({
    states: z.array(RetriableState).optional(),
    classes: z.array(z.string()).optional(),
  }),
  /** → TrialSummary[] by index */
  'trials.list': Request.extend({
    sweep: SweepId.optional(),
    states: z.array(TrialState).optional(),
    phase: TrialPhase.optional(),
    limit: z.int().positive().optional(),
  }),
  /** → TrialDetail */
  'trials.show': TrialPrefix,
  /** Also of trials that are planned and have no record yet. → TrialWhy */
  'trials.why': TrialPrefix,
  /** → LogLine[] stored so far */
  'trials.logs': TrialRef,
  /** → Leaderboard (evaluation) */
  leaderboard: Request.extend({
    dataset: z.string().optional(),
    method: z.string().optional(),
    protocol: z.string().optional(),
    sweep: SweepId.optional(),
  }),
  /**
   * `start`: makes lost records again from the object store (`force` even while trials run). Without it, tells how far it is.
   * → RebuildProgress
   */
  'admin.rebuild': Request.extend({ start: z.boolean(), force: z.boolean() }),
  /** `start`: clears old checkpoints away. Without it, tells how far it is. → GcProgress */
  'admin.gc': Request.extend({ start: z.boolean(), dryRun: z.boolean() }),
  /** What a sweep on this data set would be planned with, wherever the images are. → DatasetLook */
  'datasets.look': Request.extend({
    name: z.string(),
    protocol: z.string(),
    /** Absolute, where controller and workers run; or `shared:<digest>`. */
    root: z.string().optional(),
    image: ImageSize.optional(),
  }),
  /** Data sets in the object store, the newest first. → SharedDataset[] */
  'datasets.list': Request,
  /** → ControllerStatus */
  status: Request,
} as const;
export type ControlVerb = keyof typeof ControlRequest;

/** Verbs that change a sweep: only its owner may ask, or an admin by `adminVerb`. */
export const OWNED_VERBS = [
  'sweeps.pause',
  'sweeps.resume',
  'sweeps.set',
  'sweeps.cancel',
  'sweeps.retry',
] as const satisfies readonly ControlVerb[];
export type OwnedVerb = (typeof OWNED_VERBS)[number];

/** The same request for anybody's sweep. A server of messages lets admins alone use verbs that begin so. */
export const adminVerb = (verb: OwnedVerb): string => `admin.${verb}`;
