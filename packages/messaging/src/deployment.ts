import type { ControlChannel } from './control-channel.js';
import type { EventLog } from './event-log.js';
import type { StateStore } from './state-store.js';
import type { TrialQueue } from './trial-queue.js';

/** The four messaging interfaces together, as controller, worker and CLI receive them. */
export interface Messaging {
  readonly queue: TrialQueue;
  readonly events: EventLog;
  readonly state: StateStore;
  readonly control: ControlChannel;
  /** Aborted when the far side is gone for good; the reason says why. */
  readonly closed: AbortSignal;
  close(): Promise<void>;
}

/** All lease times hang on one setting, so that tests use seconds. */
export interface LeaseTimes {
  /** A message not acked nor renewed this long is handed out again; a lease not renewed this long is free. */
  readonly ackWaitMs: number;
  /** How often a holder renews. */
  readonly renewMs: number;
}

/** Derives all lease times from the ack wait (design section 5: 60 s and 15 s). */
export function createLeaseTimes(ackWaitMs = 60_000): LeaseTimes {
  return { ackWaitMs, renewMs: Math.floor(ackWaitMs / 4) };
}
