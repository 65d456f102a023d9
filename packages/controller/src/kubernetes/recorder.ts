import { randomBytes } from 'node:crypto';
import type { Clock } from '@adctl/messaging';
import { type EventsV1Event, V1MicroTime } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { KubernetesClient } from './client.js';
import { FIELD_MANAGER } from './names.js';

/** Reasons of the Events that the controller writes; stable, for alerts. */
export type EventReason =
  | 'WorkerCreated'
  | 'WorkerUnschedulable'
  | 'WorkerLost'
  | 'WorkerDrained'
  | 'WorkerFailed'
  | 'PoolCircuitOpen'
  | 'QuotaWaiting';

/** What each Event says that the controller does. */
const ACTIONS: Readonly<Record<EventReason, { readonly type: 'Normal' | 'Warning'; readonly action: string }>> = {
  WorkerCreated: { type: 'Normal', action: 'Create' },
  WorkerUnschedulable: { type: 'Warning', action: 'Wait' },
  WorkerLost: { type: 'Warning', action: 'Replace' },
  WorkerDrained: { type: 'Normal', action: 'Drain' },
  WorkerFailed: { type: 'Warning', action: 'Delete' },
  PoolCircuitOpen: { type: 'Warning', action: 'Pause' },
  QuotaWaiting: { type: 'Normal', action: 'Wait' },
};

export interface Subject {
  readonly name: string;
  readonly uid: string;
}

export interface RecorderOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** The controller's pod. */
  readonly instance: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A repeat of the same Event within this time becomes part of its series, written at most once a minute. */
const SERIES_MS = 10 * 60_000;
const SERIES_WRITE_MS = 60_000;
/** Events keep no more of a note than this. */
const LONGEST_NOTE = 1_000;
const MOST_SERIES = 1_000;

interface Series {
  readonly event: string;
  count: number;
  lastMs: number;
  writtenMs: number;
}

/** Writes `events.k8s.io/v1` Events on worker Jobs. An Event that cannot be written is lost, and nothing else. */
export class Recorder {
  readonly #series = new Map<string, Series>();

  constructor(private readonly options: RecorderOptions) {}

  async record(reason: EventReason, { name, uid }: Subject, note: string): Promise<void> {
    const { client, clock, logger } = this.options;
    const nowMs = clock.now();
    const key = [uid, reason, note].join('\n');
    const series = this.#series.get(key);
    try {
      if (series === undefined || nowMs - series.lastMs > SERIES_MS) {
        const event = this.#eventOf(reason, { name, uid }, note, nowMs);
        this.#remember(key, { event: event.metadata?.name ?? '', count: 1, lastMs: nowMs, writtenMs: nowMs });
        await client.createEvent(event);
        return;
      }
      series.count += 1;
      series.lastMs = nowMs;
      if (nowMs - series.writtenMs < SERIES_WRITE_MS) return;
      series.writtenMs = nowMs;
      await client.patchEvent(series.event, { count: series.count, lastObservedTime: new V1MicroTime(nowMs) });
    } catch (error) {
      logger.warn({ err: error, reason, job: name }, 'an Event was not written');
    }
  }

  #remember(key: string, series: Series): void {
    this.#series.set(key, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > MOST_SERIES && oldest !== undefined) this.#series.delete(oldest);
  }

  #eventOf(reason: EventReason, subject: Subject, note: string, nowMs: number): EventsV1Event {
    const { namespace, instance } = this.options;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${subject.name}.${randomBytes(6).toString('hex')}`, namespace },
      eventTime: new V1MicroTime(nowMs),
      reportingController: `adctl.dev/${FIELD_MANAGER}`,
      reportingInstance: instance,
      reason,
      ...ACTIONS[reason],
      note: note.slice(0, LONGEST_NOTE),
      regarding: { apiVersion: 'batch/v1', kind: 'Job', namespace, ...subject },
    };
  }
}
