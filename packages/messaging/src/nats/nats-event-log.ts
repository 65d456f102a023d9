import type { EventLog, StoredEvent } from '../event-log.js';
import { fromJson, toJson } from '../json.js';
import { assertFilter, assertSubject } from '../subject-filter.js';
import type { JetStream } from './jetstream.js';
import { isWrongLastSequence } from './jetstream-codes.js';
import type { NatsNames } from './names.js';
import { lastSequence, type ReaderOptions, readStream } from './stream-reader.js';

/** Publishes on their way at once; more than this makes a server slower, not faster. */
const APPENDS_IN_FLIGHT = 256;
const FOLLOW_WAIT_MS = 10_000;
/** A read knows its end and hardly ever waits; only when that end was purged meanwhile. */
const READ_WAIT_MS = 1_000;

/**
 * The event log over two streams: metrics, which are many and may be lost to their limits, and everything else. Sequences
 * are the stream's; filters that begin with a wildcard read everything but metrics.
 */
export class NatsEventLog implements EventLog {
  constructor(
    private readonly jetstream: JetStream,
    private readonly names: NatsNames,
  ) {}

  async append(
    subject: string,
    data: unknown,
    { once = false }: { readonly once?: boolean } = {},
  ): Promise<{ sequence: number; duplicate: boolean }> {
    assertSubject(subject);
    const text = toJson(data, 'an event');
    const place = this.names.event(subject);
    if (!once) return { ...(await this.jetstream.publish(place.subject, text)), duplicate: false };
    while (true) {
      try {
        // Its own id makes a repeated attempt of ours a success, before the server compares sequences.
        const { sequence } = await this.jetstream.publish(place.subject, text, { lastSequence: 0 });
        return { sequence, duplicate: false };
      } catch (error) {
        if (!isWrongLastSequence(error)) throw error;
        const first = await this.jetstream.lastMessage(place.stream, place.subject);
        if (first !== null) return { sequence: first.sequence, duplicate: true };
        // It was purged in between: the subject is new again.
      }
    }
  }

  async appendAll(events: readonly { readonly subject: string; readonly data: unknown }[]): Promise<void> {
    const messages = events.map(({ subject, data }) => {
      assertSubject(subject);
      return { subject: this.names.event(subject).subject, text: toJson(data, 'an event') };
    });
    const onTheWay = new Set<Promise<unknown>>();
    const failures: unknown[] = [];
    for (const { subject, text } of messages) {
      const publish = this.jetstream.publish(subject, text).catch((error: unknown) => failures.push(error));
      onTheWay.add(publish);
      void publish.then(() => onTheWay.delete(publish));
      if (onTheWay.size >= APPENDS_IN_FLIGHT) await Promise.race(onTheWay);
      if (failures.length > 0) break;
    }
    await Promise.all(onTheWay);
    if (failures.length > 0) throw failures[0];
  }

  async *read(
    filter: string,
    { from = 0, limit = Number.POSITIVE_INFINITY }: { readonly from?: number; readonly limit?: number } = {},
  ): AsyncGenerator<StoredEvent, void, undefined> {
    const reader = this.#reader(filter, from, READ_WAIT_MS);
    const end = await lastSequence(this.jetstream, reader.stream, reader.filters);
    if (end < from || end === 0 || limit <= 0) return;
    const stop = new AbortController();
    let left = limit;
    for await (const item of readStream(this.jetstream, { ...reader, signal: stop.signal })) {
      if (item === 'idle' || item.sequence > end) return;
      yield this.#toEvent(item);
      left -= 1;
      if (left <= 0 || item.sequence === end) return;
    }
    this.jetstream.client.closed.throwIfAborted();
  }

  async *follow(
    filter: string,
    { from = 0, signal }: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<StoredEvent, void, undefined> {
    const reader = this.#reader(filter, from, FOLLOW_WAIT_MS);
    for await (const item of readStream(this.jetstream, { ...reader, signal })) {
      if (item !== 'idle') yield this.#toEvent(item);
      if (signal.aborted) return;
    }
    if (!signal.aborted) this.jetstream.client.closed.throwIfAborted();
  }

  async purge(filter: string): Promise<void> {
    assertFilter(filter);
    const { stream, subject } = this.names.event(filter);
    await this.jetstream.order(`STREAM.PURGE.${stream}`, { filter: subject });
  }

  #reader(filter: string, from: number, waitMs: number): Omit<ReaderOptions, 'signal'> {
    assertFilter(filter);
    const { stream, subject } = this.names.event(filter);
    return { stream, filters: [subject], widerFilter: subject, from, waitMs };
  }

  #toEvent({ sequence, message }: { sequence: number; message: { subject: string; text: string } }): StoredEvent {
    return { sequence, subject: this.names.fromEvent(message.subject), data: fromJson(message.text) };
  }
}
