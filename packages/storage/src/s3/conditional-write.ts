import { randomUUID } from 'node:crypto';
import { sha256 } from '@adctl/protocol';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import type { PutOptions, PutOutcome } from '../object-store.js';
import { isConditionFailed, isNoSuchKey } from './classify.js';
import type { EarlierTries } from './retry.js';
import { addressOf, placeOf, type S3Context, toEtag } from './s3-context.js';
import { outcomeUnknown } from './s3-errors.js';

/** User metadata (`x-amz-meta-…`) of every object: who wrote it, once, and what. */
export const WRITE_ID = 'adctl-write';
export const CONTENT_HASH = 'adctl-sha256';

/** Names one call of `put` or one upload, through all its tries: the proof that an object is ours. */
export const newWriteId = () => randomUUID().replaceAll('-', '');

export function conditionHeaders({ ifAbsent, ifMatch }: PutOptions): { IfNoneMatch?: '*'; IfMatch?: string } {
  return { ...(ifAbsent ? { IfNoneMatch: '*' } : {}), ...(ifMatch === undefined ? {} : { IfMatch: toEtag(ifMatch) }) };
}

/** A conditional write that S3 refused: what it was to write, and what came before. */
export interface RefusedWrite {
  readonly operation: string;
  readonly key: string;
  readonly writeId: string;
  /** SHA-256 of the whole content in hex, where the writer knows it. */
  readonly hash?: string;
  readonly ifMatch?: string | undefined;
  readonly earlier: EarlierTries;
}

/** Whether the error says that a condition did not hold: 412, or 404 for put-if-match on an absent key. */
export function isRefusal(error: unknown, { ifMatch }: PutOptions): boolean {
  return isConditionFailed(error) || (ifMatch !== undefined && isNoSuchKey(error));
}

/**
 * Decides what a refused condition means. Without a lost answer before it the race is lost. With one, the object that is
 * in the way may be our own: its write id tells, or, where a store drops metadata, its content.
 *
 * A put-if-absent that finds a stranger's object has lost: such keys are written once. After a put-if-match, a stranger
 * may have built on what we wrote, and nobody can tell any more.
 * @throws AdctlError transient `storage_outcome_unknown`; the SDK's errors, for the retry loop around it.
 */
export async function settleRefusal(context: S3Context, write: RefusedWrite): Promise<PutOutcome> {
  if (!write.earlier.mayHaveHappened) return { written: false };
  const { whose, etag } = await lookAt(context, write);
  if (whose === 'ours') return { written: true, etag };
  if (whose === 'theirs' && write.ifMatch === undefined) return { written: false };
  throw outcomeUnknown(placeOf(context, write.operation, write.key));
}

interface Found {
  readonly whose: 'ours' | 'theirs' | 'unknown';
  readonly etag: string;
}

async function lookAt(context: S3Context, { key, writeId, hash }: RefusedWrite): Promise<Found> {
  const address = addressOf(context, key);
  try {
    const head = await context.client.send(new HeadObjectCommand(address));
    const etag = toEtag(head.ETag);
    const id = head.Metadata?.[WRITE_ID];
    if (id !== undefined) return { etag, whose: id === writeId ? 'ours' : 'theirs' };
    if (hash === undefined) return { etag, whose: 'unknown' };
    const object = await context.client.send(new GetObjectCommand({ ...address, IfMatch: etag }));
    const content = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    return { etag, whose: sha256(content) === hash ? 'ours' : 'theirs' };
  } catch (error) {
    if (isNoSuchKey(error)) return { etag: '', whose: 'unknown' };
    throw error;
  }
}
