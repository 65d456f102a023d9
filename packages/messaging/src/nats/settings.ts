import type { BucketName } from '../state-store.js';
import { STATE_BUCKETS } from '../state-store.js';
import type { Priority } from '../trial-queue.js';
import type { NatsNames } from './names.js';

/** What an operator may choose about streams and consumers; docs/messaging.md explains each. */
export interface StreamSettings {
  /** Copies of every stream in a clustered server: 1, 3 or 5. Default 1. */
  readonly replicas: number;
  /** A message not acked nor renewed this long is handed out again. Default 60 s. */
  readonly ackWaitMs: number;
  /** How long a message id is remembered. Default 120 s. */
  readonly duplicateWindowMs: number;
  /** Most messages of one class and priority handed out and not acked; at least the slots of the class. */
  readonly maxInFlight: number;
  /** Most workers waiting for one class and priority. */
  readonly maxWaiting: number;
  readonly eventsMaxAgeMs: number;
  readonly metricsMaxAgeMs: number;
  readonly metricsMaxBytes: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_STREAM_SETTINGS: StreamSettings = {
  replicas: 1,
  ackWaitMs: 60_000,
  duplicateWindowMs: 120_000,
  maxInFlight: 10_000,
  maxWaiting: 8_192,
  eventsMaxAgeMs: 7 * DAY_MS,
  metricsMaxAgeMs: 3 * DAY_MS,
  metricsMaxBytes: 2 * 1024 ** 3,
};

/** JetStream counts time in nanoseconds. */
export const toNanos = (ms: number): number => Math.round(ms * 1e6);

export type StreamConfig = Readonly<Record<string, unknown>> & { readonly name: string };

/** The streams of a deployment, its buckets among them. */
export function streamConfigs(names: NatsNames, settings: StreamSettings): readonly StreamConfig[] {
  const { replicas, duplicateWindowMs } = settings;
  const file = { storage: 'file', num_replicas: replicas, duplicate_window: toNanos(duplicateWindowMs) };
  const jobs = {
    ...file,
    name: names.jobs,
    subjects: [names.jobFilter()],
    retention: 'workqueue',
    // A second message of a trial is refused, not swapped for the first.
    discard: 'new',
    max_msgs_per_subject: 1,
    discard_new_per_subject: true,
    max_age: 0,
    allow_direct: false,
  };
  const events = {
    ...file,
    name: names.events,
    subjects: [names.event('>').subject],
    retention: 'limits',
    discard: 'old',
    max_age: toNanos(settings.eventsMaxAgeMs),
    allow_direct: false,
  };
  const metrics = {
    ...file,
    name: names.metrics,
    subjects: [names.event('metric.>').subject],
    retention: 'limits',
    discard: 'old',
    max_age: toNanos(settings.metricsMaxAgeMs),
    max_bytes: settings.metricsMaxBytes,
    allow_direct: false,
  };
  const buckets = Object.entries(STATE_BUCKETS).map(([bucket, { ttlMs }]: [string, { ttlMs?: number }]) =>
    bucketConfig(names, bucket as BucketName, { ...settings, ttlMs: ttlMs ?? 0 }),
  );
  return [jobs, events, metrics, ...buckets];
}

/** A KV bucket as every NATS client knows it, so that `nats kv` shows it. */
function bucketConfig(
  names: NatsNames,
  bucket: BucketName,
  { replicas, duplicateWindowMs, ttlMs }: StreamSettings & { readonly ttlMs: number },
): StreamConfig {
  const window = ttlMs === 0 ? duplicateWindowMs : Math.min(duplicateWindowMs, ttlMs);
  return {
    name: names.bucketStream(bucket),
    subjects: [names.bucketSubject(bucket, '>')],
    storage: 'file',
    num_replicas: replicas,
    retention: 'limits',
    discard: 'new',
    max_msgs_per_subject: 1,
    max_age: toNanos(ttlMs),
    duplicate_window: toNanos(window),
    deny_delete: true,
    allow_rollup_hdrs: true,
    // Reads go to the leader: fencing decides by what it read.
    allow_direct: false,
  };
}

/** The consumer of one class and priority: filtered, so that none overlaps another, and without a delivery limit. */
export function consumerConfig(
  names: NatsNames,
  place: { readonly class: string; readonly priority: Priority },
  settings: StreamSettings,
) {
  const name = names.consumer(place.class, place.priority);
  return {
    name,
    durable_name: name,
    filter_subject: names.jobFilter(place),
    deliver_policy: 'all',
    replay_policy: 'instant',
    ack_policy: 'explicit',
    ack_wait: toNanos(settings.ackWaitMs),
    max_deliver: -1,
    max_ack_pending: settings.maxInFlight,
    max_waiting: settings.maxWaiting,
  } as const;
}
