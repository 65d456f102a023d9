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
  /**
   * Whether the far side can be reached. Silence from before it came back proves nothing about others: they may have been
   * as cut off as we were.
   */
  contact(): Contact;
  /** Aborted when the far side is gone for good; the reason says why. */
  readonly closed: AbortSignal;
  close(): Promise<void>;
}

/** How it stands with the far side. */
export interface Contact {
  readonly isThere: boolean;
  /** Since when, in ms since 1970; 0: from the beginning. */
  readonly sinceMs: number;
}

/** The contact of deployments whose far side is there or gone for good. */
export const ALWAYS_THERE: Contact = { isThere: true, sinceMs: 0 };

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
