import { z } from 'zod';
import { badValue } from '../errors.js';
import { fromJson, toJson } from '../json.js';
import type { BucketName, StateBucket, StateChange, StateEntry, StateStore } from '../state-store.js';
import { assertSubject } from '../subject-filter.js';
import type { JetStream, StoredMessage } from './jetstream.js';
import { isWrongLastSequence } from './jetstream-codes.js';
import type { NatsNames } from './names.js';
import { lastSequence, type ReaderOptions, type ReadMessage, readStream } from './stream-reader.js';

const WATCH_WAIT_MS = 10_000;
const LIST_WAIT_MS = 1_000;

/** Marks of a deleted key in a KV bucket. */
const OPERATION = 'KV-Operation';
const DELETED = { [OPERATION]: 'DEL' };
const isDeletion = (message: { header(name: string): string | undefined }): boolean =>
  ['DEL', 'PURGE'].includes(message.header(OPERATION) ?? '');

const Purged = z.object({ purged: z.int() });

/** The buckets as JetStream key-value buckets; a revision is a sequence of the bucket's stream. */
export class NatsStateStore implements StateStore {
  constructor(
    private readonly jetstream: JetStream,
    private readonly names: NatsNames,
  ) {}

  bucket(name: BucketName): StateBucket {
    return new NatsStateBucket(this.jetstream, this.names, name);
  }
}

class NatsStateBucket implements StateBucket {
  readonly #stream: string;

  constructor(
    private readonly jetstream: JetStream,
    private readonly names: NatsNames,
    private readonly name: BucketName,
  ) {
    this.#stream = names.bucketStream(name);
  }

  async get(key: string): Promise<StateEntry | null> {
    const message = await this.#last(key);
    if (message === null || isDeletion(message)) return null;
    return { key, value: fromJson(message.text), revision: message.sequence };
  }

  async create(key: string, value: unknown): Promise<number | null> {
    const subject = this.#subject(key);
    const text = toValue(value);
    for (let lastSequence = 0; ; ) {
      const revision = await this.#swap(subject, text, lastSequence);
      if (revision !== null) return revision;
      const message = await this.#last(key);
      if (message !== null && !isDeletion(message)) return null;
      // Deleted or expired: its mark is what has to be replaced.
      lastSequence = message?.sequence ?? 0;
    }
  }

  async update(key: string, value: unknown, revision: number): Promise<number | null> {
    const subject = this.#subject(key);
    const text = toValue(value);
    // To the server 0 means "if absent", which is `create`.
    return revision <= 0 ? null : this.#swap(subject, text, revision);
  }

  async put(key: string, value: unknown): Promise<number> {
    return (await this.jetstream.publish(this.#subject(key), toValue(value))).sequence;
  }

  async delete(key: string, revision?: number): Promise<boolean> {
    const subject = this.#subject(key);
    while (true) {
      const message = await this.#last(key);
      if (message === null || isDeletion(message)) return false;
      if (revision !== undefined && revision !== message.sequence) return false;
      if ((await this.#swap(subject, '', message.sequence, DELETED)) !== null) return true;
    }
  }

  async purge(prefix: string, revision: number): Promise<number> {
    assertSubject(prefix, 'prefix');
    const filter = this.names.bucketSubject(this.name, `${prefix}.>`);
    // The server keeps what has this sequence or a higher one.
    const body = { filter, seq: revision + 1 };
    return (await this.jetstream.api(`STREAM.PURGE.${this.#stream}`, body, Purged)).purged;
  }

  async entries(prefix = ''): Promise<readonly StateEntry[]> {
    const found = new Map<string, StateEntry>();
    // Asked for by itself: old servers take one filter only, and would send the whole bucket for two.
    const own = prefix === '' ? null : await this.get(prefix);
    if (own !== null) found.set(own.key, own);
    const stop = new AbortController();
    const everything = this.names.bucketSubject(this.name, '>');
    const below = prefix === '' ? everything : this.names.bucketSubject(this.name, `${prefix}.>`);
    const reader = { stream: this.#stream, filters: [below], widerFilter: below, from: 0, waitMs: LIST_WAIT_MS };
    for await (const change of this.#changes(reader, prefix, stop.signal)) {
      if (change === 'ready') break;
      if (change.value === null) found.delete(change.key);
      else found.set(change.key, change);
    }
    this.jetstream.client.closed.throwIfAborted();
    return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async *watch(prefix: string, signal: AbortSignal): AsyncGenerator<StateChange | 'ready', void, undefined> {
    let ready = false;
    for await (const change of this.#changes(this.#reader(prefix, WATCH_WAIT_MS), prefix, signal)) {
      ready ||= change === 'ready';
      // What was deleted before the watch began is no entry.
      if (ready || change === 'ready' || change.value !== null) yield change;
      if (signal.aborted) return;
    }
    if (!signal.aborted) this.jetstream.client.closed.throwIfAborted();
  }

  /** Everything there is and everything that comes, deletions included; `ready` between the two. */
  async *#changes(
    reader: Omit<ReaderOptions, 'signal'>,
    prefix: string,
    signal: AbortSignal,
  ): AsyncGenerator<StateChange | 'ready', void, undefined> {
    // Buckets keep one message a key, so reading from the start gives each key once, in order of revision; what is
    // overwritten meanwhile comes later, and past this sequence.
    const end = await lastSequence(this.jetstream, this.#stream, reader.filters);
    let ready = end === 0;
    if (ready) yield 'ready';
    for await (const item of readStream(this.jetstream, { ...reader, signal })) {
      if (!ready && (item === 'idle' || item.sequence > end)) {
        ready = true;
        yield 'ready';
      }
      if (item === 'idle') continue;
      const change = this.#toChange(item);
      if (prefix === '' || change.key === prefix || change.key.startsWith(`${prefix}.`)) yield change;
      if (!ready && item.sequence === end) {
        ready = true;
        yield 'ready';
      }
    }
  }

  #reader(prefix: string, waitMs: number): Omit<ReaderOptions, 'signal'> {
    const everything = this.names.bucketSubject(this.name, '>');
    if (prefix !== '') assertSubject(prefix, 'prefix');
    const filters =
      prefix === ''
        ? [everything]
        : [this.names.bucketSubject(this.name, prefix), this.names.bucketSubject(this.name, `${prefix}.>`)];
    return { stream: this.#stream, filters, widerFilter: everything, from: 0, waitMs };
  }

  #toChange({ sequence, message }: ReadMessage): StateChange & { readonly value: unknown } {
    const key = message.subject.slice(this.names.bucketSubject(this.name, '').length);
    const value: unknown = isDeletion(message) ? null : fromJson(message.text);
    return { key, value, revision: sequence };
  }

  /** Writes if the subject's last sequence is the given one. @returns the new revision, or null. */
  async #swap(
    subject: string,
    text: string,
    lastSequence: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number | null> {
    try {
      return (await this.jetstream.publish(subject, text, { lastSequence, headers })).sequence;
    } catch (error) {
      if (isWrongLastSequence(error)) return null;
      throw error;
    }
  }

  async #last(key: string): Promise<StoredMessage | null> {
    return this.jetstream.lastMessage(this.#stream, this.#subject(key));
  }

  #subject(key: string): string {
    assertSubject(key, 'key');
    return this.names.bucketSubject(this.name, key);
  }
}

function toValue(value: unknown): string {
  if (value === null) throw badValue('a state value');
  return toJson(value, 'a state value');
}
