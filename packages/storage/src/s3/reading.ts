import { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectInfo } from '../object-store.js';
import { classify, isConditionFailed, isNoSuchKey } from './classify.js';
import { CONTENT_HASH } from './conditional-write.js';
import { addressOf, placeOf, type S3Context, toEtag } from './s3-context.js';
import { objectChanged, objectDamaged, type Place } from './s3-errors.js';

/** An object whose content is on its way. */
export interface OpenObject {
  readonly info: ObjectInfo;
  /** SHA-256 of the content in hex, when it was put whole by us. */
  readonly hash: string | undefined;
  readonly chunks: AsyncGenerator<Uint8Array>;
}

interface Answer {
  readonly info: ObjectInfo;
  readonly hash: string | undefined;
  readonly body: Readable;
  readonly chunks: AsyncIterator<Uint8Array>;
}

/** Facts of an answer's headers, to the second, which is all that HTTP tells. */
export function toObjectInfo(
  key: string,
  answer: { readonly ETag?: string | undefined; readonly LastModified?: Date | undefined },
  bytes: number,
): ObjectInfo {
  const modifiedMs = answer.LastModified?.getTime() ?? 0;
  return { key, bytes, etag: toEtag(answer.ETag), modifiedAt: new Date(Math.floor(modifiedMs / 1000) * 1000) };
}

/**
 * Begins to read an object; null when there is none. A connection that breaks on the way is opened again behind the last
 * byte, of the same version of the object.
 */
export async function openObject(context: S3Context, key: string): Promise<OpenObject | null> {
  const place = placeOf(context, 'GetObject', key);
  const first = await context.retry.run(place, () => request(context, key, 0, undefined));
  if (first === null) return null;
  return { info: first.info, hash: first.hash, chunks: chunksOf(context, first) };
}

async function* chunksOf(context: S3Context, first: Answer): AsyncGenerator<Uint8Array> {
  const { key, bytes, etag } = first.info;
  const place = placeOf(context, 'GetObject', key);
  let answer: Answer | null = first;
  let offset = 0;
  try {
    while (offset < bytes) {
      const chunk = await context.retry.run(place, async () => {
        answer ??= await request(context, key, offset, etag);
        if (answer === null) throw objectChanged(place);
        try {
          return await nextChunk(answer);
        } catch (error) {
          answer.body.destroy();
          answer = null;
          throw damagedOr(error, place);
        }
      });
      offset += chunk.byteLength;
      yield chunk;
    }
    if (answer !== null) await finish(answer, place);
  } finally {
    answer?.body.destroy();
  }
}

async function nextChunk({ chunks }: Answer): Promise<Uint8Array> {
  const next = await chunks.next();
  if (!next.done) return next.value;
  throw Object.assign(new Error('the answer ended early'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}

/** Reads the end of the stream, where the SDK compares checksums and the connection becomes free again. */
async function finish({ chunks }: Answer, place: Place): Promise<void> {
  try {
    await chunks.next();
  } catch (error) {
    throw damagedOr(error, place);
  }
}

/** What breaks a stream and is no trouble of the network is the SDK's comparison of checksums. */
function damagedOr(error: unknown, place: Place): unknown {
  return classify(error) === 'final' ? objectDamaged(place) : error;
}

/** Asks for the content from an offset on; with an etag, only of that version. Null when the key is absent. */
async function request(
  context: S3Context,
  key: string,
  offset: number,
  etag: string | undefined,
): Promise<Answer | null> {
  const part = {
    ...(offset > 0 ? { Range: `bytes=${offset}-` } : {}),
    ...(etag === undefined ? {} : { IfMatch: etag }),
  };
  try {
    const answer = await context.client.send(new GetObjectCommand({ ...addressOf(context, key), ...part }));
    const body = answer.Body;
    if (!(body instanceof Readable)) throw new TypeError('the SDK answered without a stream');
    // An error after the last chunk was read has nobody to tell; before, the iterator throws it.
    body.on('error', () => undefined);
    if (answer.ETag === undefined) body.destroy();
    const info = toObjectInfo(key, answer, offset + (answer.ContentLength ?? 0));
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    return { info, hash: answer.Metadata?.[CONTENT_HASH], body, chunks };
  } catch (error) {
    if (isNoSuchKey(error)) return null;
    if (isConditionFailed(error)) throw objectChanged(placeOf(context, 'GetObject', key));
    throw error;
  }
}
