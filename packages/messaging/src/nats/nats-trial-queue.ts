import { SweepId, TrialAssignment, TrialId } from '@adctl/protocol';
import { z } from 'zod';
import { fromJson, toJson } from '../json.js';
import { assertSubject } from '../subject-filter.js';
import type { Delivery, Priority, QueueEntry, StoredQueueEntry, TrialQueue } from '../trial-queue.js';
import { PRIORITIES } from '../trial-queue.js';
import type { NatsMessage } from './core-nats.js';
import type { JetStream, StoredMessage } from './jetstream.js';
import { isConsumerMissing, isLimitReached, isMessageMissing } from './jetstream-codes.js';
import type { NatsNames } from './names.js';
import { giveBack, NatsDelivery } from './nats-delivery.js';
import { prepareConsumers } from './prepare.js';
import { Puller, type PullOptions } from './pull.js';
import type { StreamSettings } from './settings.js';

const SubjectsInfo = z.object({ state: z.object({ subjects: z.record(z.string(), z.int()).nullish() }) });
const ConsumerInfo = z.object({ delivered: z.object({ stream_seq: z.int() }) });

/** Reads of single messages on their way at once. */
const READS_IN_FLIGHT = 32;
const NOT_UNDERSTOOD_DELAY_MS = 30_000;
/** A trial's message that comes and goes between our publishes this often is no race any more. */
const MOST_ATTEMPTS = 5;

export interface NatsTrialQueueOptions {
  readonly names: NatsNames;
  readonly settings: StreamSettings;
  /** Whether this role makes missing consumers; others wait until the one that may has done so. */
  readonly mayPrepare: boolean;
}

/** The window of trials as a JetStream work queue: one filtered pull consumer a class and priority. */
export class NatsTrialQueue implements TrialQueue {
  /** Classes whose consumers this connection has made. */
  readonly #prepared = new Set<string>();
  /** Classes whose consumers are being made: whoever needs them meanwhile waits for the same. */
  readonly #preparing = new Map<string, Promise<void>>();
  /** Pullers that wait for the next call, by class. */
  readonly #idle = new Map<string, Puller[]>();

  constructor(
    private readonly jetstream: JetStream,
    private readonly options: NatsTrialQueueOptions,
  ) {}

  async publish(entry: QueueEntry): Promise<{ sequence: number; duplicate: boolean }> {
    const { names } = this.options;
    const { sweep, trial } = entry.assignment;
    const subject = names.job({ class: entry.class, priority: entry.priority, sweep, trial });
    const text = toJson(entry.assignment, 'an assignment');
    if (this.options.mayPrepare && !this.#prepared.has(entry.class)) await this.#prepare(entry.class);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.jetstream.publish(subject, text, { messageId: entry.messageId });
      } catch (error) {
        if (!isLimitReached(error) || attempt >= MOST_ATTEMPTS) throw error;
        const earlier = await this.jetstream.lastMessage(names.jobs, subject);
        if (earlier !== null) return { sequence: earlier.sequence, duplicate: true };
        // It was acked in between: there is room now.
      }
    }
  }

  async next(options: {
    readonly class: string;
    readonly waitMs: number;
    readonly signal?: AbortSignal;
  }): Promise<Delivery | null> {
    const { signal = new AbortController().signal } = options;
    assertSubject(options.class, 'class');
    this.jetstream.client.closed.throwIfAborted();
    if (signal.aborted) return null;
    const message = await this.#pull(options.class, {
      waitMs: options.waitMs,
      signal,
      mend: async () => {
        if (this.options.mayPrepare) await this.#prepare(options.class);
        return this.options.mayPrepare;
      },
    });
    if (message !== null) return this.#toDelivery(message);
    if (!signal.aborted) this.jetstream.client.closed.throwIfAborted();
    return null;
  }

  async #pull(className: string, options: PullOptions): Promise<NatsMessage | null> {
    const idle = this.#idle.get(className) ?? [];
    this.#idle.set(className, idle);
    const puller = idle.pop() ?? new Puller(this.jetstream, this.options.names, className);
    try {
      return await puller.pull(options);
    } finally {
      if (puller.isReusable()) idle.push(puller);
      else await puller.end();
    }
  }

  #toDelivery(message: NatsMessage): Delivery {
    try {
      return new NatsDelivery(this.jetstream, message);
    } catch (error) {
      giveBack(this.jetstream, message, NOT_UNDERSTOOD_DELAY_MS); // for a worker of another version
      throw error;
    }
  }

  async remove(sequence: number): Promise<boolean> {
    try {
      await this.jetstream.order(`STREAM.MSG.DELETE.${this.options.names.jobs}`, { seq: sequence, no_erase: true });
      return true;
    } catch (error) {
      if (isMessageMissing(error)) return false;
      throw error;
    }
  }

  async contents(): Promise<readonly StoredQueueEntry[]> {
    const { names } = this.options;
    const verb = `STREAM.INFO.${names.jobs}`;
    const info = await this.jetstream.api(verb, { subjects_filter: names.jobFilter() }, SubjectsInfo);
    const subjects = Object.keys(info.state.subjects ?? {}).flatMap((subject) => {
      const place = toPlace(subject);
      return place === null ? [] : [{ subject, place }];
    });
    const placed: { readonly message: StoredMessage; readonly place: Place }[] = [];
    for (let first = 0; first < subjects.length; first += READS_IN_FLIGHT) {
      const some = subjects.slice(first, first + READS_IN_FLIGHT).map(async ({ subject, place }) => {
        const message = await this.jetstream.lastMessage(names.jobs, subject);
        return message === null ? [] : [{ message, place }]; // null: acked meanwhile
      });
      placed.push(...(await Promise.all(some)).flat());
    }
    const delivered = await this.#deliveredUpTo(placed.map(({ place }) => place));
    return placed
      .map(({ message, place }) => toStoredEntry(message, place, delivered))
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** By class and priority, the newest sequence its consumer has handed out; missing consumers are made again on the way. */
  async #deliveredUpTo(places: readonly Place[]): Promise<ReadonlyMap<string, number>> {
    const classes = new Set([...places.map((place) => place.class), ...this.#prepared]);
    const delivered = new Map<string, number>();
    for (const name of classes) {
      for (const priority of PRIORITIES) {
        delivered.set(`${name}.${priority}`, await this.#deliveredOf(name, priority));
      }
    }
    return delivered;
  }

  async #deliveredOf(name: string, priority: Priority): Promise<number> {
    const { names } = this.options;
    const verb = `CONSUMER.INFO.${names.jobs}.${names.consumer(name, priority)}`;
    try {
      return (await this.jetstream.api(verb, undefined, ConsumerInfo)).delivered.stream_seq;
    } catch (error) {
      if (!isConsumerMissing(error)) throw error;
      if (this.options.mayPrepare) await this.#prepare(name);
      return 0;
    }
  }

  #prepare(name: string): Promise<void> {
    const underWay = this.#preparing.get(name);
    if (underWay !== undefined) return underWay;
    const preparing = prepareConsumers(this.jetstream, name, this.options)
      .then(() => {
        this.#prepared.add(name);
      })
      .finally(() => this.#preparing.delete(name));
    this.#preparing.set(name, preparing);
    return preparing;
  }
}

const Place = z.object({ class: z.string(), priority: z.enum(PRIORITIES), sweep: SweepId, trial: TrialId });
type Place = z.infer<typeof Place>;

/** What a job's subject `<namespace>.job.<class>.<priority>.<sweep>.<trial>` says; null when it is no trial's. */
function toPlace(subject: string): Place | null {
  const [, , name, priority, sweep, trial] = subject.split('.');
  return Place.safeParse({ class: name, priority, sweep, trial }).data ?? null;
}

function toStoredEntry(message: StoredMessage, place: Place, delivered: ReadonlyMap<string, number>): StoredQueueEntry {
  // Consumers hand out in order, so what lies before the newest hand-out went out at least once. Whether it was given
  // back since, JetStream does not tell.
  const handedOut = message.sequence <= (delivered.get(`${place.class}.${place.priority}`) ?? 0);
  return {
    ...place,
    messageId: message.header('Nats-Msg-Id') ?? '',
    assignment: TrialAssignment.safeParse(fromJson(message.text)).data,
    sequence: message.sequence,
    deliveries: handedOut ? 1 : 0,
    inFlight: handedOut,
  };
}
