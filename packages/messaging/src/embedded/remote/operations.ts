import { SweepId, TrialAssignment, TrialId } from '@adctl/protocol';
import { z } from 'zod';
import { type BucketName, STATE_BUCKETS } from '../../state-store.js';
import { PRIORITIES } from '../../trial-queue.js';

const Bucket = z.enum(Object.keys(STATE_BUCKETS) as [BucketName, ...BucketName[]]);
const Sequence = z.int().min(0);
const Revision = z.int().min(0).nullable();
const Entry = z.object({ key: z.string(), value: z.unknown(), revision: z.int() });
const Place = z.object({ sequence: Sequence, duplicate: z.boolean() });
const Nothing = z.null();

const QueueEntry = z.object({
  class: z.string(),
  priority: z.enum(PRIORITIES),
  messageId: z.string(),
  assignment: TrialAssignment,
});

/** What can be asked over the socket and answered once; both sides parse by these. */
export const CALLS = {
  'queue.publish': { input: QueueEntry, output: Place },
  'queue.next': {
    input: z.object({ class: z.string(), waitMs: z.number() }),
    output: z.object({ sequence: Sequence, deliveries: z.int(), assignment: TrialAssignment }).nullable(),
  },
  'queue.remove': { input: z.object({ sequence: Sequence }), output: z.boolean() },
  'queue.nak': { input: z.object({ sequence: Sequence, class: z.string(), delayMs: z.number() }), output: Nothing },
  'queue.working': { input: z.object({ sequence: Sequence }), output: Nothing },
  'queue.contents': {
    input: Nothing,
    output: z.array(
      QueueEntry.extend({
        sweep: SweepId,
        trial: TrialId,
        assignment: z.union([TrialAssignment, z.undefined()]),
        sequence: Sequence,
        deliveries: z.int(),
        inFlight: z.boolean(),
      }),
    ),
  },
  'events.append': {
    input: z.object({ subject: z.string(), data: z.unknown(), once: z.boolean() }),
    output: Place,
  },
  'events.appendAll': {
    input: z.object({ events: z.array(z.object({ subject: z.string(), data: z.unknown() })) }),
    output: Nothing,
  },
  'events.purge': { input: z.object({ filter: z.string() }), output: Nothing },
  'state.get': { input: z.object({ bucket: Bucket, key: z.string() }), output: Entry.nullable() },
  'state.create': { input: z.object({ bucket: Bucket, key: z.string(), value: z.unknown() }), output: Revision },
  'state.update': {
    input: z.object({ bucket: Bucket, key: z.string(), value: z.unknown(), revision: z.int() }),
    output: Revision,
  },
  'state.put': { input: z.object({ bucket: Bucket, key: z.string(), value: z.unknown() }), output: z.int() },
  'state.delete': {
    input: z.object({ bucket: Bucket, key: z.string(), revision: Revision }),
    output: z.boolean(),
  },
  'state.purge': { input: z.object({ bucket: Bucket, prefix: z.string(), revision: z.int() }), output: z.int() },
  'control.request': {
    input: z.object({ verb: z.string(), payload: z.unknown(), timeoutMs: z.number() }),
    output: z.unknown(),
  },
  'control.publish': { input: z.object({ topic: z.string(), payload: z.unknown() }), output: Nothing },
  'control.hasListeners': { input: z.object({ topic: z.string() }), output: z.boolean() },
  'control.serve': { input: z.object({ verb: z.string() }), output: Nothing },
  'control.unserve': { input: z.object({ verb: z.string() }), output: Nothing },
  /** Asked by the controller of a client that serves the verb. */
  'control.answer': {
    input: z.object({ verb: z.string(), payload: z.unknown(), caller: z.string() }),
    output: z.unknown(),
  },
} as const;

/** What can be asked over the socket and answered by a stream. */
export const STREAMS = {
  'events.read': {
    input: z.object({ filter: z.string(), from: Sequence, limit: z.int().min(0).nullable() }),
    item: z.object({ sequence: Sequence, subject: z.string(), data: z.unknown() }),
  },
  'events.follow': {
    input: z.object({ filter: z.string(), from: Sequence }),
    item: z.object({ sequence: Sequence, subject: z.string(), data: z.unknown() }),
  },
  'state.entries': { input: z.object({ bucket: Bucket, prefix: z.string() }), item: Entry },
  'state.watch': {
    input: z.object({ bucket: Bucket, prefix: z.string() }),
    item: z.union([z.literal('ready'), Entry]),
  },
  /** The first item says that the subscription is in force. */
  'control.subscribe': {
    input: z.object({ filter: z.string() }),
    item: z.union([z.literal('ready'), z.object({ topic: z.string(), payload: z.unknown() })]),
  },
} as const;

export type CallName = keyof typeof CALLS;
export type CallInput<N extends CallName> = z.infer<(typeof CALLS)[N]['input']>;
export type CallOutput<N extends CallName> = z.infer<(typeof CALLS)[N]['output']>;
export type StreamName = keyof typeof STREAMS;
export type StreamInput<N extends StreamName> = z.infer<(typeof STREAMS)[N]['input']>;
export type StreamItem<N extends StreamName> = z.infer<(typeof STREAMS)[N]['item']>;
