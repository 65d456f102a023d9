import { randomBytes } from 'node:crypto';
import type { Clock } from '@adctl/messaging';
import type { EventsV1Event } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { KubernetesClient } from './client.js';
import { V1MicroTime } from './client-parts.js';
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
  readonly client: Pick<KubernetesClient, 'createEvent'>;
  readonly namespace: string;
  /** The controller's pod. */
  readonly instance: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
}

/** The same Event again within this time is not written: a delete that fails is tried at every look. */
const REPEAT_MS = 10 * 60_000;
/** Events keep no more of a note than this. */
const LONGEST_NOTE = 1_000;
const MOST_REMEMBERED = 1_000;

/** Writes `events.k8s.io/v1` Events on worker Jobs. An Event that cannot be written is lost, and nothing else. */
export class Recorder {
  /** When each was last asked for, the oldest first. */
  readonly #asked = new Map<string, number>();

  constructor(private readonly options: RecorderOptions) {}

  async record(reason: EventReason, { name, uid }: Subject, note: string): Promise<void> {
    const { client, clock, logger } = this.options;
    const nowMs = clock.now();
    const key = [uid, reason, note].join('\n');
    const isRepeat = nowMs - (this.#asked.get(key) ?? Number.NEGATIVE_INFINITY) <= REPEAT_MS;
    this.#remember(key, nowMs);
    if (isRepeat) return;
    try {
      await client.createEvent(this.#eventOf(reason, { name, uid }, note, nowMs));
    } catch (error) {
      logger.warn({ err: error, reason, job: name }, 'an Event was not written');
    }
  }

  #remember(key: string, nowMs: number): void {
    this.#asked.delete(key);
    this.#asked.set(key, nowMs);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > MOST_REMEMBERED && oldest !== undefined) this.#asked.delete(oldest);
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
