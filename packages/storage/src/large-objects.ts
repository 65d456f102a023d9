import type { ObjectStore, PutOptions, PutOutcome } from './object-store.js';

/** Size from which an object is written in parts, and the size of a part (S3 wants at least 5 MiB). */
export const PART_BYTES = 16 * 1024 * 1024;

/** `put` that goes in parts where the content is large; a part that fails does not cost the others. */
export async function putInParts(
  store: ObjectStore,
  key: string,
  content: Uint8Array,
  options: Pick<PutOptions, 'ifAbsent' | 'contentType' | 'signal'> = {},
): Promise<PutOutcome> {
  if (content.byteLength <= PART_BYTES) return store.put(key, content, options);
  const { contentType, signal, ifAbsent = false } = options;
  const upload = await store.createMultipart(key, contentType === undefined ? {} : { contentType });
  try {
    for (let start = 0, part = 1; start < content.byteLength; start += PART_BYTES, part += 1) {
      await upload.putPart(part, content.subarray(start, start + PART_BYTES), signal === undefined ? {} : { signal });
    }
    return await upload.complete({ ifAbsent });
  } catch (error) {
    // What could not be tidied up is the lifecycle rule's; the reason that counts is the first one.
    await Promise.allSettled([upload.abort()]);
    throw error;
  }
}
