import { AdctlError } from '@adctl/protocol';
import type { MultipartUpload, ObjectStore } from '../object-store.js';

/** A store for tests: it notes the parts that are sent, and breaks off once before the given one. */
export function breakingOff(store: ObjectStore, atPart: number, sent: number[]): ObjectStore {
  let broken = false;
  const watch = (upload: MultipartUpload): MultipartUpload => ({
    uploadId: upload.uploadId,
    parts: () => upload.parts(),
    complete: (options) => upload.complete(options),
    abort: () => upload.abort(),
    async putPart(part, content, options) {
      if (part === atPart && !broken) {
        broken = true;
        throw new AdctlError('the network went away', { code: 'storage_unreachable', kind: 'transient' });
      }
      await upload.putPart(part, content, options);
      sent.push(part);
    },
  });
  return {
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    read: (...args) => store.read(...args),
    head: (...args) => store.head(...args),
    list: (...args) => store.list(...args),
    delete: (...args) => store.delete(...args),
    createMultipart: async (...args) => watch(await store.createMultipart(...args)),
    resumeMultipart: async (...args) => watch(await store.resumeMultipart(...args)),
  };
}
