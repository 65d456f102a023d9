import type { MultipartUpload, ObjectStore, PutOptions, PutOutcome } from '../object-store.js';

/**
 * Degraded mode for stores without conditional writes: conditions are compared here, before an unconditional write.
 *
 * Writers of this process take turns by key, so among them every promise of `ObjectStore` holds. Between processes it does
 * not: two that look at the same time both write, and the later write stays. Right only where no key has two writers at a
 * time, and a worker that lost its claim may still overwrite (`docs/storage.md`, degraded mode).
 */
export function createSingleWriterStore(inner: ObjectStore): ObjectStore {
  const turns = new Map<string, Promise<unknown>>();

  /** Runs the action after all earlier ones of the key. */
  async function inTurn<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = turns.get(key) ?? Promise.resolve();
    const mine = before.then(action, action);
    turns.set(key, mine);
    try {
      return await mine;
    } finally {
      if (turns.get(key) === mine) turns.delete(key);
    }
  }

  async function holds(key: string, { ifAbsent, ifMatch }: PutOptions): Promise<boolean> {
    if (!ifAbsent && ifMatch === undefined) return true;
    const current = await inner.head(key);
    if (ifAbsent && current !== null) return false;
    return ifMatch === undefined || current?.etag === ifMatch;
  }

  const put = (key: string, content: Uint8Array, options: PutOptions = {}): Promise<PutOutcome> => {
    const { ifAbsent: _absent, ifMatch: _match, ...unconditional } = options;
    return inTurn(key, async () =>
      (await holds(key, options)) ? inner.put(key, content, unconditional) : { written: false },
    );
  };

  const guard = (key: string, upload: MultipartUpload): MultipartUpload => ({
    uploadId: upload.uploadId,
    putPart: (...args) => upload.putPart(...args),
    parts: () => upload.parts(),
    abort: () => upload.abort(),
    complete: (options = {}) =>
      inTurn(key, async () => {
        const { ifAbsent: _absent, ...unconditional } = options;
        if (await holds(key, options)) return upload.complete(unconditional);
        await upload.abort();
        return { written: false };
      }),
  });

  return {
    put,
    get: (key) => inner.get(key),
    read: (key) => inner.read(key),
    head: (key) => inner.head(key),
    list: (...args) => inner.list(...args),
    delete: (key, options) => inTurn(key, () => inner.delete(key, options)),
    createMultipart: async (key, options) => guard(key, await inner.createMultipart(key, options)),
    resumeMultipart: async (key, uploadId) => guard(key, await inner.resumeMultipart(key, uploadId)),
  };
}
