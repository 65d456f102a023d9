import type { Messaging } from '../deployment.js';

/** A fresh deployment under test. */
export interface Deployment {
  /** What the suites use. */
  readonly messaging: Messaging;
  /** A second connection to the same deployment (in one process: the same object). */
  readonly other: Messaging;
  /** Lets time pass: moves an injected clock on, or really waits. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What the suites need to know of an implementation. */
export interface MessagingHarness {
  readonly name: string;
  create(): Promise<Deployment>;
  readonly times: {
    /** The ack wait the deployment was made with; longer than the short wait. */
    readonly ackWaitMs: number;
    /** The duplicate window it was made with; longer than the ack wait. */
    readonly duplicateWindowMs: number;
    /** A wait short enough to run out in a test, and long enough for the implementation (NATS: 1,000 ms). */
    readonly shortWaitMs: number;
  };
  readonly capabilities: {
    /** Whether somebody already waiting in `next` gets the highest priority first, or only messages already there are ordered. */
    readonly strictPriorityWhileWaiting: boolean;
    /** Whether `contents` counts deliveries and tells exactly what is in flight (JetStream tells neither by message). */
    readonly contentsKnowDelivery: boolean;
  };
}

/** Takes `count` values of a stream, then ends it. */
export async function take<T>(stream: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const value of stream) {
    taken.push(value);
    if (taken.length >= count) break;
  }
  return taken;
}

/** Everything a stream has to give. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  return take(stream, Number.POSITIVE_INFINITY);
}
