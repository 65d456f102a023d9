import { setMaxListeners } from 'node:events';
import type { Messaging, StateBucket } from '@adctl/messaging';
import type { MultipartUpload, ObjectStore, WriteOptions } from '@adctl/storage';
import type { Leadership } from './leadership.js';

/** What a controller writes to. */
export interface Writable {
  readonly messaging: Messaging;
  readonly objects: ObjectStore;
}

/**
 * Wraps what a controller writes to, so that nothing is sent once its leadership has ended. A pause of the process that
 * ends in the middle of a step cannot be seen in time by a timer, but by the next write. An object's write may be tried
 * again for minutes, so it is asked before each try. What was under way already is refused by compare-and-set.
 *
 * Every refused call throws the reason the leadership ended for: AdctlError transient `controller_superseded`.
 */
export function guardWrites({ messaging, objects }: Writable, leadership: Leadership): Writable {
  const assertHeld = () => {
    if (!leadership.holds()) throw leadership.lost.reason;
  };
  const write = async <T>(operation: () => Promise<T>): Promise<T> => {
    assertHeld();
    return operation();
  };
  const guardBucket = (bucket: StateBucket): StateBucket => ({
    get: (key) => bucket.get(key),
    entries: (prefix) => bucket.entries(prefix),
    watch: (prefix, signal) => bucket.watch(prefix, signal),
    create: (key, value) => write(() => bucket.create(key, value)),
    update: (key, value, revision) => write(() => bucket.update(key, value, revision)),
    put: (key, value) => write(() => bucket.put(key, value)),
    delete: (key, revision) => write(() => bucket.delete(key, revision)),
    purge: (prefix, revision) => write(() => bucket.purge(prefix, revision)),
  });
  const { queue, events, state, control } = messaging;
  return {
    messaging: {
      control,
      contact: () => messaging.contact(),
      closed: messaging.closed,
      close: () => messaging.close(),
      queue: {
        publish: (entry) => write(() => queue.publish(entry)),
        remove: (sequence) => write(() => queue.remove(sequence)),
        next: (options) => queue.next(options),
        contents: () => queue.contents(),
      },
      events: {
        append: (subject, data, options) => write(() => events.append(subject, data, options)),
        appendAll: (all) => write(() => events.appendAll(all)),
        read: (filter, options) => events.read(filter, options),
        follow: (filter, options) => events.follow(filter, options),
        purge: (filter) => write(() => events.purge(filter)),
      },
      state: { bucket: (name) => guardBucket(state.bucket(name)) },
    },
    objects: guardObjects(objects, leadership, assertHeld),
  };
}

function guardObjects(objects: ObjectStore, { lost }: Leadership, assertHeld: () => void): ObjectStore {
  setMaxListeners(0, lost); // every request under way listens
  /** The caller's options, and ours: the signal ends a long pause between two tries, the question decides. */
  const asLeader = <T extends WriteOptions>(options?: T) => ({
    ...options,
    signal: options?.signal === undefined ? lost : AbortSignal.any([options.signal, lost]),
    beforeTry: () => {
      assertHeld();
      options?.beforeTry?.();
    },
  });
  const guardUpload = (upload: MultipartUpload): MultipartUpload => ({
    uploadId: upload.uploadId,
    putPart: (part, content, options) => upload.putPart(part, content, asLeader(options)),
    parts: () => upload.parts(),
    complete: (options) => upload.complete(asLeader(options)),
    abort: () => upload.abort(),
  });
  return {
    put: (key, content, options) => objects.put(key, content, asLeader(options)),
    get: (key) => objects.get(key),
    read: (key) => objects.read(key),
    head: (key) => objects.head(key),
    list: (prefix, options) => objects.list(prefix, options),
    delete: (key, options) => objects.delete(key, asLeader(options)),
    createMultipart: async (key, options) => guardUpload(await objects.createMultipart(key, asLeader(options))),
    resumeMultipart: async (key, uploadId) => guardUpload(await objects.resumeMultipart(key, uploadId)),
  };
}
