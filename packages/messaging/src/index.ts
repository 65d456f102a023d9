export { type Clock, systemClock } from './clock.js';
export type { ControlChannel } from './control-channel.js';
export { ALWAYS_THERE, type Contact, createLeaseTimes, type LeaseTimes, type Messaging } from './deployment.js';
export type { EventLog, StoredEvent } from './event-log.js';
export {
  NATS_STREAM_VARIABLES,
  NATS_VARIABLES,
  type NatsAddress,
  natsRules,
  toNatsAddress,
  toStreamSettings,
} from './nats/environment.js';
export type { StreamSettings } from './nats/settings.js';
export {
  type BucketName,
  STATE_BUCKETS,
  type StateBucket,
  type StateChange,
  type StateEntry,
  type StateStore,
} from './state-store.js';
export {
  type Delivery,
  PRIORITIES,
  type Priority,
  type QueueEntry,
  type StoredQueueEntry,
  type TrialQueue,
} from './trial-queue.js';
