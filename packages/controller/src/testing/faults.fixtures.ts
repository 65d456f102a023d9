import type { Messaging, StateBucket } from '@adctl/messaging';
import { AdctlError } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';

/** Where a process dies: before or after its n-th write (from 1) reached the disk. */
export interface Death {
  readonly atWrite: number;
  readonly when: 'before' | 'after';
}

/**
 * Wraps what a controller writes to, so that it dies at one write: that call and every later one throw, as if the process
 * were gone. Reads of a dead one throw too.
 */
export function dieAt(
  parts: { readonly messaging: Messaging; readonly objects: ObjectStore },
  death: Death | null,
): {
  readonly messaging: Messaging;
  readonly objects: ObjectStore;
  readonly writes: () => number;
  readonly died: Promise<void>;
} {
  let writes = 0;
  let dead = false;
  const { promise: died, resolve } = Promise.withResolvers<void>();
  const die = (): never => {
    dead = true;
    resolve();
    // Of a kind that no controller goes on after.
    throw new AdctlError('the process died here', { code: 'process_died', kind: 'permanent' });
  };
  const write = async <T>(operation: () => Promise<T>): Promise<T> => {
    if (dead) return die();
    writes += 1;
    const fatal = writes === death?.atWrite;
    if (fatal && death?.when === 'before') return die();
    const result = await operation();
    if (fatal || dead) return die();
    return result;
  };
  const wrapBucket = (bucket: StateBucket): StateBucket => ({
    get: (key) => bucket.get(key),
    entries: (prefix) => bucket.entries(prefix),
    watch: (prefix, signal) => bucket.watch(prefix, signal),
    create: (key, value) => write(() => bucket.create(key, value)),
    update: (key, value, revision) => write(() => bucket.update(key, value, revision)),
    put: (key, value) => write(() => bucket.put(key, value)),
    delete: (key, revision) => write(() => bucket.delete(key, revision)),
    purge: (prefix, revision) => write(() => bucket.purge(prefix, revision)),
  });
  const { messaging, objects } = parts;
  return {
    writes: () => writes,
    died,
    messaging: {
      ...messaging,
      queue: {
        publish: (entry) => write(() => messaging.queue.publish(entry)),
        remove: (sequence) => write(() => messaging.queue.remove(sequence)),
        next: (options) => messaging.queue.next(options),
        contents: () => messaging.queue.contents(),
      },
      events: {
        append: (subject, data, options) => write(() => messaging.events.append(subject, data, options)),
        appendAll: (events) => write(() => messaging.events.appendAll(events)),
        read: (filter, options) => messaging.events.read(filter, options),
        follow: (filter, options) => messaging.events.follow(filter, options),
        purge: (filter) => write(() => messaging.events.purge(filter)),
      },
      state: { bucket: (name) => wrapBucket(messaging.state.bucket(name)) },
    },
    objects: {
      put: (key, content, options) => write(() => objects.put(key, content, options)),
      get: (key) => objects.get(key),
      read: (key) => objects.read(key),
      head: (key) => objects.head(key),
      list: (prefix, options) => objects.list(prefix, options),
      delete: (key, options) => write(() => objects.delete(key, options)),
      createMultipart: (key, options) => objects.createMultipart(key, options),
      resumeMultipart: (key, uploadId) => objects.resumeMultipart(key, uploadId),
    },
  };
}
