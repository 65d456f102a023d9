import { createHash } from 'node:crypto';
import { AdctlError, sha256 } from '@adctl/protocol';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { objectMissing } from '../errors.js';
import { assertObjectKey, assertObjectPrefix } from '../object-key.js';
import type {
  MultipartUpload,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  PutOutcome,
  WriteOptions,
} from '../object-store.js';
import { isNoSuchKey } from './classify.js';
import { type Clock, systemClock } from './clock.js';
import { CONTENT_HASH, conditionHeaders, isRefusal, newWriteId, settleRefusal, WRITE_ID } from './conditional-write.js';
import { listObjects } from './listing.js';
import { abortable, createUpload, type NewUpload, resumeUpload } from './multipart.js';
import { openObject, toObjectInfo } from './reading.js';
import { type EarlierTries, RetryLoop, type RetryNote } from './retry.js';
import { createClient } from './s3-client.js';
import { addressOf, placeOf, type S3Context, toEtag } from './s3-context.js';
import { objectDamaged } from './s3-errors.js';
import { badSettings, resolveSettings, type S3Settings } from './settings.js';

/** What a test replaces, and where retries are told. */
export interface S3Runtime {
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Uniform in [0, 1), for the pauses between tries. Default: `Math.random`. */
  readonly random?: () => number;
  readonly onRetry?: (note: RetryNote) => void;
}

/** An object store with connections to give back. */
export interface S3Store extends ObjectStore {
  /** Requests that may be under way now; lower than `maxSockets` after the store asked for less. */
  readonly parallelism: number;
  /** The region in force. @throws AdctlError user `bad_s3_settings` when none is given or found. */
  region(): Promise<string>;
  /** Closes the connections; the store is not used afterwards. */
  close(): void;
}

/** Times that a damaged answer is fetched anew. */
const DAMAGED_TRIES = 3;

/**
 * An object store in an S3 bucket, or in what speaks like one.
 *
 * Every request is tried again, with full jitter, until the deadline: throttling, internal errors, timeouts and broken
 * connections cost time, never objects. A conditional write whose answer was lost is settled by looking at the object.
 * Objects carry their SHA-256 and the id of the call that wrote them as metadata.
 *
 * An etag may come back when the same content is written again; `modifiedAt` is to the second. The bucket must list in
 * key order (S3 Express directory buckets do not). Conditional writes are taken on trust here: see `openS3Store`.
 * @throws AdctlError user `bad_s3_settings`.
 */
export function createS3Store(settings: S3Settings, runtime: S3Runtime = {}): S3Store {
  const resolved = resolveSettings(settings);
  const { clock = systemClock, random = Math.random, onRetry } = runtime;
  const retry = new RetryLoop({ policy: resolved.retry, clock, random, maxParallel: resolved.maxSockets, onRetry });
  return new BucketStore({ client: createClient(resolved), retry, settings: resolved });
}

class BucketStore implements S3Store {
  readonly #context: S3Context;

  constructor(context: S3Context) {
    this.#context = context;
  }

  get parallelism(): number {
    return this.#context.retry.parallelism;
  }

  async put(key: string, content: Uint8Array, options: PutOptions = {}): Promise<PutOutcome> {
    const { contentType, signal, beforeTry } = options;
    const hash = createHash('sha256').update(content).digest();
    const writeId = newWriteId();
    const command = {
      ...addressOf(this.#context, key),
      ...conditionHeaders(options),
      Body: content,
      Metadata: { [WRITE_ID]: writeId, [CONTENT_HASH]: hash.toString('hex') },
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(this.#context.settings.checksums === 'always' ? { ChecksumSHA256: hash.toString('base64') } : {}),
    };
    const put = async (earlier: EarlierTries): Promise<PutOutcome> => {
      try {
        const answer = await this.#context.client.send(new PutObjectCommand(command), abortable(signal));
        return { written: true, etag: toEtag(answer.ETag) };
      } catch (error) {
        if (!isRefusal(error, options)) throw error;
        const write = { operation: 'PutObject', key, writeId, hash: hash.toString('hex'), ifMatch: options.ifMatch };
        return settleRefusal(this.#context, { ...write, earlier });
      }
    };
    return this.#context.retry.run(placeOf(this.#context, 'PutObject', key), put, { signal, beforeTry });
  }

  /** Verifies the content where its hash is known. @throws AdctlError permanent `object_damaged`. */
  async get(key: string): Promise<{ readonly content: Uint8Array; readonly info: ObjectInfo } | null> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#getWhole(key);
      } catch (error) {
        const damaged = error instanceof AdctlError && error.code === 'object_damaged';
        if (!damaged || tries >= DAMAGED_TRIES) throw error;
      }
    }
  }

  async #getWhole(key: string): Promise<{ readonly content: Uint8Array; readonly info: ObjectInfo } | null> {
    const object = await openObject(this.#context, key);
    if (object === null) return null;
    const chunks: Uint8Array[] = [];
    for await (const chunk of object.chunks) chunks.push(chunk);
    const content = Buffer.concat(chunks);
    if (object.hash === undefined || object.hash === sha256(content)) return { content, info: object.info };
    throw objectDamaged(placeOf(this.#context, 'GetObject', key));
  }

  async *read(key: string): AsyncGenerator<Uint8Array> {
    const object = await openObject(this.#context, key);
    if (object === null) throw objectMissing(key);
    yield* object.chunks;
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const address = addressOf(this.#context, key);
    return this.#context.retry.run(placeOf(this.#context, 'HeadObject', key), async () => {
      try {
        const answer = await this.#context.client.send(new HeadObjectCommand(address));
        return toObjectInfo(key, answer, answer.ContentLength ?? 0);
      } catch (error) {
        if (isNoSuchKey(error)) return null;
        throw error;
      }
    });
  }

  async *list(prefix: string, options: { readonly after?: string } = {}): AsyncGenerator<ObjectInfo> {
    assertObjectPrefix(prefix);
    yield* listObjects(this.#context, prefix, options.after ?? '');
  }

  async delete(key: string, options: WriteOptions = {}): Promise<void> {
    const address = addressOf(this.#context, key);
    const remove = async () => {
      try {
        await this.#context.client.send(new DeleteObjectCommand(address), abortable(options.signal));
      } catch (error) {
        if (!isNoSuchKey(error)) throw error;
      }
    };
    await this.#context.retry.run(placeOf(this.#context, 'DeleteObject', key), remove, options);
  }

  async createMultipart(key: string, options: NewUpload = {}): Promise<MultipartUpload> {
    return createUpload(this.#context, key, options);
  }

  async resumeMultipart(key: string, uploadId: string): Promise<MultipartUpload> {
    assertObjectKey(key);
    return resumeUpload(this.#context, key, uploadId);
  }

  async region(): Promise<string> {
    try {
      return await this.#context.client.config.region();
    } catch (error) {
      throw badSettings('no region is given or found', 'Set the region of the bucket, or AWS_REGION.', error);
    }
  }

  close(): void {
    this.#context.client.destroy();
  }
}
