import type {
  BackboneUse,
  Calibration,
  Ending,
  EngineFacts,
  Failure,
  LogLine,
  PixelMetrics,
  SelectionMetrics,
  Sha256,
  TestMetrics,
  TrialProgress,
  TrialSpec,
} from '@adctl/protocol';

/**
 * What the supervisor and a training child say to each other over the child's IPC channel (structured clone). Both ends
 * are this package, started together, so nothing is parsed. Files go through the attempt's scratch folder, never
 * through the channel; the child has no store and no queue.
 */

/** A committed checkpoint, fetched to this machine. */
export interface LocalCheckpoint {
  /** Folder with the files named in `trainer/checkpoint.ts`. */
  readonly directory: string;
  readonly attempt: number;
  /** Finished epochs and steps. */
  readonly epoch: number;
  readonly step: number;
  /** TensorFlow threads of the process that wrote it. */
  readonly threads: number;
}

/** Train this trial. */
export interface StartTrial {
  readonly type: 'start';
  readonly spec: TrialSpec;
  readonly attempt: number;
  /** The attempt's own folder; whoever writes into it first makes it, and the child writes nowhere else. */
  readonly directory: string;
  readonly resumeFrom?: LocalCheckpoint;
  /** At the end of an epoch, a checkpoint is written when the last one is at least this old. */
  readonly checkpointSeconds: number;
}

/** End the trial at the next step boundary. */
export interface StopTrial {
  readonly type: 'stop';
  /** Whether to write a checkpoint first. */
  readonly checkpoint: boolean;
}

export type ToTrainer = StartTrial | StopTrial;

/** A finished checkpoint in the scratch folder; the supervisor removes the folder once it is committed. */
export interface WrittenCheckpoint {
  readonly directory: string;
  /** File names in the directory. */
  readonly files: readonly string[];
  readonly epoch: number;
  readonly step: number;
  readonly threads: number;
}

/** A file beside the result, in the scratch folder. */
export interface WrittenArtifact {
  /** Key in the result's `artifacts`, e.g. `curves`. */
  readonly name: string;
  /** File name in the attempt's folder. */
  readonly file: string;
  readonly contentType: string;
}

/** Everything a training child knows about a trial that reached a final state. */
export interface TrialOutcome {
  readonly ending: Ending;
  readonly failure?: Failure;
  readonly selection?: SelectionMetrics;
  readonly test?: TestMetrics;
  readonly pixel?: PixelMetrics;
  readonly untrained?: { readonly auroc: number };
  readonly otherScores?: Readonly<Record<string, number>>;
  readonly calibration?: Calibration;
  readonly backbone?: BackboneUse;
  readonly keptEpoch?: number;
  readonly epochs?: number;
  readonly steps?: number;
  readonly parameters?: number;
  readonly splitDigest?: Sha256;
  /** Seconds over all attempts that this outcome rests on. */
  readonly seconds: { readonly train: number; readonly total: number };
  readonly imagesPerSecond?: number;
  readonly scoredPerSecond?: number;
  readonly artifacts: readonly WrittenArtifact[];
}

/** How the child's part of an attempt ended. */
export type TrainerEnd =
  | { readonly kind: 'finished'; readonly outcome: TrialOutcome }
  /** By a stop message; the checkpoint, if one was asked for, was announced before. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** What the child says of itself between trials; decides whether it is used again. */
export interface TrainerHealth {
  /** Trials run by this process. */
  readonly trials: number;
  /** Tensors alive now that were not before the trial. */
  readonly leakedTensors: number;
  readonly tensors: number;
  readonly rssBytes: number;
}

/** Progress as the child sees it; the supervisor adds ids. */
export type TrainerProgress = Omit<TrialProgress, 'version' | 'sweep' | 'trial' | 'attempt' | 'worker'>;

export type FromTrainer =
  | { readonly type: 'ready'; readonly engine: EngineFacts }
  /** The process can never train: no engine, no GPU. It exits after this. */
  | { readonly type: 'unusable'; readonly failure: Failure }
  | { readonly type: 'progress'; readonly progress: TrainerProgress }
  /** One row of the learning curves. */
  | { readonly type: 'epoch'; readonly epoch: number; readonly row: Readonly<Record<string, number>> }
  | { readonly type: 'log'; readonly level: LogLine['level']; readonly message: string }
  | { readonly type: 'checkpoint'; readonly checkpoint: WrittenCheckpoint }
  | { readonly type: 'ended'; readonly end: TrainerEnd; readonly health: TrainerHealth };
