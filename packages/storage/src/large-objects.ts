import { AdctlError, type Sha256, sha256 } from '@adctl/protocol';
import type { MultipartUpload, ObjectStore, PutOptions, PutOutcome, WriteOptions } from './object-store.js';

/** Size from which an object is written in parts, and the size of a part (S3 wants at least 5 MiB). */
export const PART_BYTES = 16 * 1024 * 1024;

/**
 * Uploads that broke off and may go on, by key. Whoever repeats a write that failed for a passing reason keeps one and
 * gives it to every try: then parts that are there are not sent again.
 */
export type UnfinishedUploads = Map<string, { readonly uploadId: string; readonly sha256: Sha256 }>;

export interface LargePutOptions extends Pick<PutOptions, 'ifAbsent' | 'contentType' | keyof WriteOptions> {
  /** Default: an upload that breaks off is given up. */
  readonly unfinished?: UnfinishedUploads;
  /** Default `PART_BYTES`. */
  readonly partBytes?: number;
}

/**
 * `put` that goes in parts where the content is large. A part that fails does not cost the others: within a call, nor, with
 * `unfinished`, in the next call for the same key and content.
 *
 * An upload that nobody takes up again is the lifecycle rule's (`docs/storage.md`).
 */
export async function putInParts(
  store: ObjectStore,
  key: string,
  content: Uint8Array,
  options: LargePutOptions = {},
): Promise<PutOutcome> {
  const { unfinished, partBytes = PART_BYTES, ...put } = options;
  if (content.byteLength <= partBytes) return store.put(key, content, put);
  const { ifAbsent = false, contentType, ...write } = put;
  const hash = sha256(content);
  // Spares the parts where the answer is known, as after a completion whose answer was lost; the completion decides.
  if (ifAbsent && (await store.head(key)) !== null) return { written: false };
  const found = await takeUp(store, key, hash, unfinished);
  const upload = found?.upload ?? (await store.createMultipart(key, { ...write, ...(contentType && { contentType }) }));
  unfinished?.set(key, { uploadId: upload.uploadId, sha256: hash });
  try {
    for (let start = 0, part = 1; start < content.byteLength; start += partBytes, part += 1) {
      const bytes = content.subarray(start, start + partBytes);
      if (found?.parts.get(part) !== bytes.byteLength) await upload.putPart(part, bytes, write);
    }
    const outcome = await upload.complete({ ifAbsent, ...write });
    unfinished?.delete(key);
    return outcome;
  } catch (error) {
    if (unfinished !== undefined && isPassing(error) && write.signal?.aborted !== true) throw error;
    unfinished?.delete(key);
    // What could not be tidied up is the lifecycle rule's; the reason that counts is the first one.
    await Promise.allSettled([upload.abort()]);
    throw error;
  }
}

interface Found {
  readonly upload: MultipartUpload;
  /** Size of each part that is there, by number. */
  readonly parts: ReadonlyMap<number, number>;
}

/** The upload of the same content that broke off; null when there is none, or the store has cleared it away. */
async function takeUp(
  store: ObjectStore,
  key: string,
  hash: Sha256,
  unfinished: UnfinishedUploads | undefined,
): Promise<Found | null> {
  const known = unfinished?.get(key);
  if (known === undefined || known.sha256 !== hash) return null;
  try {
    const upload = await store.resumeMultipart(key, known.uploadId);
    return { upload, parts: new Map((await upload.parts()).map(({ part, bytes }) => [part, bytes])) };
  } catch (error) {
    if (!(error instanceof AdctlError) || error.code !== 'upload_missing') throw error;
    return null;
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof AdctlError && error.kind === 'transient';
}
