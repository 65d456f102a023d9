import type { S3Client } from '@aws-sdk/client-s3';
import { badObjectKey } from '../errors.js';
import { assertObjectKey } from '../object-key.js';
import { NO_ETAG } from './classify.js';
import type { RetryLoop } from './retry.js';
import type { Place } from './s3-errors.js';
import type { ResolvedS3Settings } from './settings.js';

/** What the parts of the store share. */
export interface S3Context {
  readonly client: S3Client;
  readonly retry: RetryLoop;
  readonly settings: ResolvedS3Settings;
}

/** S3 takes keys of 1,024 bytes; ours are ASCII. */
const LONGEST_KEY = 1024;

/**
 * Bucket and whole key of an object: the only place where the prefix is put before a key.
 * @throws AdctlError bug `bad_object_key`.
 */
export function addressOf({ settings }: S3Context, key: string): { readonly Bucket: string; readonly Key: string } {
  assertObjectKey(key);
  const whole = settings.prefix + key;
  if (whole.length > LONGEST_KEY)
    throw badObjectKey(key.slice(0, 80), `with the store's prefix it is longer than ${LONGEST_KEY} bytes`);
  return { Bucket: settings.bucket, Key: whole };
}

/** Where a request goes, for errors and notes. */
export function placeOf({ settings }: S3Context, operation: string, key: string): Place {
  const { bucket, prefix, endpoint } = settings;
  return { operation, url: `s3://${bucket}/${prefix}${key}`, endpoint: endpoint ?? 'AWS' };
}

/**
 * Etags with quotes, whichever way a store writes them.
 * @throws an error for the retry loop when there is none: then it was no store that answered 200, but a proxy or a portal.
 */
export function toEtag(etag: string | undefined): string {
  if (etag !== undefined) return `"${etag.replaceAll('"', '')}"`;
  throw Object.assign(new Error('a successful answer without an etag'), { name: NO_ETAG });
}
