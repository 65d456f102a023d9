import type { EventLog, StoredEvent } from '../../event-log.js';
import { toJson } from '../../json.js';
import type { BucketName, StateBucket, StateChange, StateEntry, StateStore } from '../../state-store.js';
import type { Delivery, QueueEntry, StoredQueueEntry, TrialQueue } from '../../trial-queue.js';
import type { Peer } from './peer.js';
import { ask, askStream } from './typed-calls.js';

/** The work queue of a controller in another process. */
export class RemoteTrialQueue implements TrialQueue {
  constructor(private readonly peer: Peer) {}

  publish(entry: QueueEntry): Promise<{ sequence: number; duplicate: boolean }> {
    return ask(this.peer, 'queue.publish', entry);
  }

  async next(options: {
    readonly class: string;
    readonly waitMs: number;
    readonly signal?: AbortSignal;
  }): Promise<Delivery | null> {
    const { class: name, waitMs, signal } = options;
    if (signal?.aborted) return null;
    // An aborted wait still takes the controller's answer: a message may already be on its way, and must not get lost.
    const handed = await ask(this.peer, 'queue.next', { class: name, waitMs }, { signal, onAbort: 'wait' });
    if (handed === null) return null;
    const { sequence } = handed;
    return {
      ...handed,
      ack: async () => {
        await this.remove(sequence);
      },
      nak: async (delayMs = 0) => {
        await ask(this.peer, 'queue.nak', { sequence, class: name, delayMs });
      },
      working: async () => {
        await ask(this.peer, 'queue.working', { sequence });
      },
    };
  }

  remove(sequence: number): Promise<boolean> {
    return ask(this.peer, 'queue.remove', { sequence });
  }

  contents(): Promise<readonly StoredQueueEntry[]> {
    return ask(this.peer, 'queue.contents', null);
  }
}

/** The event log of a controller in another process. */
export class RemoteEventLog implements EventLog {
  constructor(private readonly peer: Peer) {}

  async append(subject: string, data: unknown, options: { readonly once?: boolean } = {}) {
    toJson(data, 'an event');
    return ask(this.peer, 'events.append', { subject, data, once: options.once ?? false });
  }

  async appendAll(events: readonly { readonly subject: string; readonly data: unknown }[]): Promise<void> {
    for (const { data } of events) toJson(data, 'an event');
    await ask(this.peer, 'events.appendAll', { events: [...events] });
  }

  read(filter: string, options: { readonly from?: number; readonly limit?: number } = {}): AsyncIterable<StoredEvent> {
    return askStream(this.peer, 'events.read', { filter, from: options.from ?? 0, limit: options.limit ?? null });
  }

  follow(
    filter: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncIterable<StoredEvent> {
    return askStream(this.peer, 'events.follow', { filter, from: options.from ?? 0 }, options.signal);
  }

  async purge(filter: string): Promise<void> {
    await ask(this.peer, 'events.purge', { filter });
  }
}

/** The live records of a controller in another process. */
export class RemoteStateStore implements StateStore {
  constructor(private readonly peer: Peer) {}

  bucket(name: BucketName): StateBucket {
    return new RemoteStateBucket(this.peer, name);
  }
}

class RemoteStateBucket implements StateBucket {
  constructor(
    private readonly peer: Peer,
    private readonly bucket: BucketName,
  ) {}

  get(key: string): Promise<StateEntry | null> {
    return ask(this.peer, 'state.get', { bucket: this.bucket, key });
  }

  async create(key: string, value: unknown): Promise<number | null> {
    toJson(value, 'a state value');
    return ask(this.peer, 'state.create', { bucket: this.bucket, key, value });
  }

  async update(key: string, value: unknown, revision: number): Promise<number | null> {
    toJson(value, 'a state value');
    return ask(this.peer, 'state.update', { bucket: this.bucket, key, value, revision });
  }

  async put(key: string, value: unknown): Promise<number> {
    toJson(value, 'a state value');
    return ask(this.peer, 'state.put', { bucket: this.bucket, key, value });
  }

  delete(key: string, revision?: number): Promise<boolean> {
    return ask(this.peer, 'state.delete', { bucket: this.bucket, key, revision: revision ?? null });
  }

  purge(prefix: string, revision: number): Promise<number> {
    return ask(this.peer, 'state.purge', { bucket: this.bucket, prefix, revision });
  }

  async entries(prefix = ''): Promise<readonly StateEntry[]> {
    const entries: StateEntry[] = [];
    for await (const entry of askStream(this.peer, 'state.entries', { bucket: this.bucket, prefix }))
      entries.push(entry);
    return entries;
  }

  watch(prefix: string, signal: AbortSignal): AsyncIterable<StateChange | 'ready'> {
    return askStream(this.peer, 'state.watch', { bucket: this.bucket, prefix }, signal);
  }
}
