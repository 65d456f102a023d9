import { createHash } from 'node:crypto';
import { sha256 } from '@adctl/protocol';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type Part,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { uploadEmpty, uploadMissing } from '../errors.js';
import type { MultipartUpload, PutOptions, PutOutcome, WriteOptions } from '../object-store.js';
import { isConflict, isNoSuchUpload } from './classify.js';
import { conditionHeaders, isRefusal, newWriteId, settleRefusal, WRITE_ID } from './conditional-write.js';
import type { EarlierTries, RunOptions } from './retry.js';
import { addressOf, placeOf, type S3Context, toEtag } from './s3-context.js';
import { uploadConflict } from './s3-errors.js';

/** Write id, binding to the key, S3's own id. */
const UPLOAD_ID = /^([0-9a-f]{32})([0-9a-f]{16})\.(.+)$/s;

/** Tidying up is not worth the whole deadline: the bucket's lifecycle rule takes what is left. */
const ABORT_DEADLINE_MS = 10_000;

/** Not every store looks whether an upload is for the key it is asked about. */
const bindingOf = (key: string, writeId: string) => sha256(`${writeId} ${key}`).slice(0, 16);

export type NewUpload = Pick<PutOptions, 'contentType' | keyof WriteOptions>;

/** Begins an upload. A lost answer may leave an empty one behind, which the bucket's lifecycle rule takes. */
export async function createUpload(context: S3Context, key: string, options: NewUpload): Promise<MultipartUpload> {
  const { contentType } = options;
  const address = addressOf(context, key);
  const writeId = newWriteId();
  const command = {
    ...address,
    Metadata: { [WRITE_ID]: writeId },
    ...(contentType === undefined ? {} : { ContentType: contentType }),
    ...(context.settings.checksums === 'always' ? { ChecksumAlgorithm: 'SHA256' as const } : {}),
  };
  const create = () => context.client.send(new CreateMultipartUploadCommand(command), abortable(options.signal));
  const { UploadId } = await context.retry.run(placeOf(context, 'CreateMultipartUpload', key), create, options);
  return new S3Upload(context, key, writeId, UploadId ?? '');
}

/** @throws AdctlError permanent `upload_missing`. */
export async function resumeUpload(context: S3Context, key: string, uploadId: string): Promise<MultipartUpload> {
  addressOf(context, key);
  const [, writeId, binding, s3Id] = UPLOAD_ID.exec(uploadId) ?? [];
  if (writeId === undefined || s3Id === undefined || binding !== bindingOf(key, writeId))
    throw uploadMissing(key, uploadId);
  const upload = new S3Upload(context, key, writeId, s3Id);
  await upload.parts();
  return upload;
}

class S3Upload implements MultipartUpload {
  readonly uploadId: string;
  readonly #context: S3Context;
  readonly #key: string;
  readonly #writeId: string;
  readonly #address: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };

  constructor(context: S3Context, key: string, writeId: string, s3Id: string) {
    this.#context = context;
    this.#key = key;
    this.#writeId = writeId;
    this.uploadId = `${writeId}${bindingOf(key, writeId)}.${s3Id}`;
    this.#address = { ...addressOf(context, key), UploadId: s3Id };
  }

  async putPart(part: number, content: Uint8Array, options: WriteOptions = {}): Promise<void> {
    if (!Number.isInteger(part) || part < 1 || part > 10_000)
      throw new RangeError(`part ${part} is not within 1 to 10000`);
    const { signal, beforeTry } = options;
    const { client, settings } = this.#context;
    const checksum =
      settings.checksums === 'always' ? { ChecksumSHA256: createHash('sha256').update(content).digest('base64') } : {};
    const command = { ...this.#address, PartNumber: part, Body: content, ...checksum };
    const send = async () => toEtag((await client.send(new UploadPartCommand(command), abortable(signal))).ETag);
    await this.#run('UploadPart', send, { signal, beforeTry });
  }

  async parts(): Promise<readonly { readonly part: number; readonly bytes: number }[]> {
    return (await this.#listParts()).map(({ PartNumber = 0, Size = 0 }) => ({ part: PartNumber, bytes: Size }));
  }

  async complete(options: Pick<PutOptions, 'ifAbsent' | keyof WriteOptions> = {}): Promise<PutOutcome> {
    const listed = await this.#listParts();
    if (listed.length === 0) throw uploadEmpty(this.#key);
    const parts = listed.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({
      PartNumber,
      ETag: toEtag(ETag),
      ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }),
    }));
    const { signal, beforeTry } = options;
    const complete = (earlier: EarlierTries) => this.#complete(parts, options, earlier);
    const outcome = await this.#run('CompleteMultipartUpload', complete, { signal, beforeTry });
    if (!outcome.written) await this.abort();
    return outcome;
  }

  async #complete(parts: CompletedPart[], options: PutOptions, earlier: EarlierTries): Promise<PutOutcome> {
    const refused = { operation: 'CompleteMultipartUpload', key: this.#key, writeId: this.#writeId, earlier };
    try {
      const command = { ...this.#address, MultipartUpload: { Parts: parts }, ...conditionHeaders(options) };
      const answer = await this.#context.client.send(new CompleteMultipartUploadCommand(command));
      return { written: true, etag: toEtag(answer.ETag) };
    } catch (error) {
      if (isRefusal(error, options)) return settleRefusal(this.#context, refused);
      // The first try may have completed the upload, which then is gone.
      if (isNoSuchUpload(error) && earlier.mayHaveHappened) return this.#settleGone(refused);
      if (isConflict(error)) throw uploadConflict(placeOf(this.#context, 'CompleteMultipartUpload', this.#key));
      throw error;
    }
  }

  async #settleGone(refused: Parameters<typeof settleRefusal>[1]): Promise<PutOutcome> {
    const outcome = await settleRefusal(this.#context, refused);
    if (!outcome.written) throw uploadMissing(this.#key, this.uploadId);
    return outcome;
  }

  async abort(): Promise<void> {
    const action = async () => {
      try {
        await this.#context.client.send(new AbortMultipartUploadCommand(this.#address));
      } catch (error) {
        if (!isNoSuchUpload(error)) throw error;
      }
    };
    await this.#run('AbortMultipartUpload', action, { deadlineMs: ABORT_DEADLINE_MS });
  }

  async #listParts(): Promise<readonly Part[]> {
    const parts: Part[] = [];
    let marker: string | undefined;
    while (true) {
      const from = marker === undefined ? {} : { PartNumberMarker: marker };
      const page = await this.#run('ListParts', () =>
        this.#context.client.send(new ListPartsCommand({ ...this.#address, ...from })),
      );
      parts.push(...(page.Parts ?? []));
      if (!page.IsTruncated || page.NextPartNumberMarker === undefined || page.NextPartNumberMarker === marker) break;
      marker = page.NextPartNumberMarker;
    }
    return parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
  }

  /** The retry loop, with the one error that every request of an upload can meet. */
  #run<T>(operation: string, action: (earlier: EarlierTries) => Promise<T>, options: RunOptions = {}): Promise<T> {
    const named = async (earlier: EarlierTries) => {
      try {
        return await action(earlier);
      } catch (error) {
        if (isNoSuchUpload(error)) throw uploadMissing(this.#key, this.uploadId);
        throw error;
      }
    };
    return this.#context.retry.run(placeOf(this.#context, operation, this.#key), named, options);
  }
}

/** The SDK's way to take a signal; undefined without one, for only then it uses again what it composed before. */
export const abortable = (signal: AbortSignal | undefined) =>
  signal === undefined ? undefined : { abortSignal: signal };
