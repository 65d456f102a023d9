import type { SweepId, TrialAssignment, TrialId } from '@adctl/protocol';

/** Higher is served first; within one priority the queue is first in, first out. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** A message put into the queue's window. */
export interface QueueEntry {
  /** What a worker must satisfy, one token. */
  readonly class: string;
  readonly priority: Priority;
  /** Two publishes with one id within the duplicate window are one message. */
  readonly messageId: string;
  readonly assignment: TrialAssignment;
}

/** A message in the window, with what it is about. */
export interface StoredQueueEntry extends Omit<QueueEntry, 'assignment'> {
  readonly sweep: SweepId;
  readonly trial: TrialId;
  /** Undefined for a message that this version does not understand: it waits for workers who do. */
  readonly assignment: TrialAssignment | undefined;
  /** The handle for `remove`; rises with every publish. */
  readonly sequence: number;
  /** Times it was handed out, as far as the deployment knows (JetStream does not tell by message). */
  readonly deliveries: number;
  /** Handed out and neither acked, given back nor expired, as far as the deployment knows. */
  readonly inFlight: boolean;
}

/**
 * One hand-out of a message. The queue is **not the truth**: a delivery whose ack wait passed is handed out again, and the
 * late ack of the first holder is still accepted. Whoever trains must hold the lease (state store), not the message.
 */
export interface Delivery {
  readonly sequence: number;
  /** 1 for the first hand-out. */
  readonly deliveries: number;
  readonly assignment: TrialAssignment;
  /** Removes the message; resolves once that is durable. Acking twice, or after redelivery, is harmless. */
  ack(): Promise<void>;
  /** Gives the message back; it is handed out again after `delayMs` (default 0). */
  nak(delayMs?: number): Promise<void>;
  /** Restarts the ack wait. */
  working(): Promise<void>;
}

/**
 * The short window of trials between controller and workers. At least once: a consumer that dies, or forgets to call
 * `working`, loses the message to another one after the ack wait. There is no delivery limit.
 */
export interface TrialQueue {
  /**
   * Adds a message. At most one message a (class, priority, sweep, trial) exists at a time.
   * @returns its sequence; `duplicate` when the id was seen within the duplicate window or the trial is already there (then the sequence is the earlier one).
   */
  publish(entry: QueueEntry): Promise<{ sequence: number; duplicate: boolean }>;
  /**
   * Waits for the next message of a class, highest priority first.
   * @returns null when `waitMs` passed or the signal was aborted.
   */
  next(options: {
    readonly class: string;
    readonly waitMs: number;
    readonly signal?: AbortSignal;
  }): Promise<Delivery | null>;
  /** Takes a message out, in flight or not. @returns whether it was there. */
  remove(sequence: number): Promise<boolean>;
  /** Everything in the window, oldest first; for the reconciler. What lies at no trial's place is left out. */
  contents(): Promise<readonly StoredQueueEntry[]>;
}
