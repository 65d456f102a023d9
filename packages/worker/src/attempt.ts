import type { Clock, Delivery, LeaseTimes, Messaging } from '@adctl/messaging';
import type { EngineFacts, Sha256, SweepId, TrialId, TrialRecord, TrialSpec, WorkerHeartbeat } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import type { Logger } from 'pino';
import type { WorkerConfig } from './config.js';
import type { DatasetProvider } from './provide-dataset.js';
import type { Trainer } from './trainer.js';

/** A checkpoint as heartbeats tell of it. */
export type CheckpointFigures = NonNullable<WorkerHeartbeat['checkpoints']>[number];

/** What a slot brings to every trial it runs. */
export interface SlotContext {
  readonly config: WorkerConfig;
  readonly times: LeaseTimes;
  readonly messaging: Messaging;
  readonly objects: ObjectStore;
  readonly datasets: DatasetProvider;
  readonly trainer: Trainer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Digest of the code that would compute a method's numbers here. */
  readonly codeVersionOf: (method: string) => Sha256;
  /** Called with the attempt when it is claimed, and with null when it is over. */
  readonly onAttempt: (attempt: RunningAttempt | null) => void;
  /** Called when a checkpoint is committed. */
  readonly onCheckpoint: (figures: CheckpointFigures) => void;
  /** Called when a claim ended because nobody could be reached for too long. */
  readonly onUnreachable: () => void;
}

/** Why an attempt is ended from outside, with its claim in hand. */
export interface Interruption {
  readonly reason: 'cancelled' | 'paused' | 'drained';
  readonly checkpoint: boolean;
}

/** Why an attempt has no claim any more. It ends without another word. */
export type LossReason = 'fenced' | 'unreachable';

/** A claimed trial, as orders and heartbeats see it. */
export interface RunningAttempt {
  readonly sweep: SweepId;
  readonly trial: TrialId;
  readonly attempt: number;
  /** Ends it at the next step boundary, or by force after the grace time. */
  interrupt(interruption: Interruption): void;
  /** Ends it at once; nothing is written any more. */
  lose(why: LossReason): void;
}

/** One claimed trial, all the facts about it. */
export interface Attempt {
  readonly delivery: Delivery;
  readonly record: TrialRecord;
  readonly number: number;
  readonly engine: EngineFacts;
  readonly startedAt: Date;
  /** Aborted with a `ClaimLost` when the claim is gone. */
  readonly lost: AbortSignal;
  /** The attempt's own folder; whoever writes into it first makes it. */
  readonly directory: string;
}

/** An attempt whose spec is known. */
export interface SpecifiedAttempt extends Attempt {
  readonly spec: TrialSpec;
  /** Digest of the code that trains it. */
  readonly codeVersion: Sha256;
}

/** Thrown inside an attempt when its claim is gone: stop at once, write nothing more, do not ack. */
export class ClaimLost extends Error {
  readonly why: LossReason;

  constructor(why: LossReason) {
    super(`the claim was lost: ${why}`);
    this.name = 'ClaimLost';
    this.why = why;
  }
}
