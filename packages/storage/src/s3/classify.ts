import { S3ServiceException } from '@aws-sdk/client-s3';

/**
 * What a failed request means for the next try.
 *
 * - `throttled`: the store wants fewer requests; this one was not done.
 * - `conflict`: another write of the same key was under way; this one was not done.
 * - `failing`, `unreachable`: an internal error, or no answer; the request may have been done.
 * - `identity`: the credentials or the clock were refused in a way that the SDK mends by itself between two tries.
 * - `final`: trying again changes nothing.
 */
export type Trouble = 'throttled' | 'conflict' | 'failing' | 'unreachable' | 'identity' | 'final';

const THROTTLED = new Set([
  ...['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'Throttling', 'ThrottlingException', 'ThrottledException'],
  ...[
    'RequestThrottled',
    'RequestThrottledException',
    'RequestLimitExceeded',
    'TooManyRequests',
    'TooManyRequestsException',
  ],
  ...['BandwidthLimitExceeded', 'LimitExceededException', 'EC2ThrottledException'],
]);
const IDENTITY = new Set([
  ...['RequestTimeTooSkewed', 'RequestExpired', 'ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'],
  ...['CredentialsProviderError', 'TokenProviderError', 'IDPCommunicationError'],
]);
/** Name of the error for an answer that cannot come from an S3. */
export const NO_ETAG = 'AnswerWithoutEtag';
/** RequestTimeout is S3's 400 for a body that came too slowly; BadDigest is a body that changed on the way. */
const UNANSWERED = new Set(['TimeoutError', 'RequestTimeout', 'BadDigest', NO_ETAG]);
const BROKEN_CONNECTION = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'ERR_STREAM_PREMATURE_CLOSE', 'EPROTO', 'EAI_FAIL'],
]);

export function classify(error: unknown): Trouble {
  const name = nameOf(error);
  const status = statusOf(error);
  if (THROTTLED.has(name) || status === 429) return 'throttled';
  if (name === 'ConditionalRequestConflict' || name === 'OperationAborted') return 'conflict';
  if (IDENTITY.has(name)) return 'identity';
  if (UNANSWERED.has(name) || BROKEN_CONNECTION.has(codeOf(error))) return 'unreachable';
  if (status !== undefined && status >= 500 && status !== 501) return 'failing';
  // A successful answer that could not be read: cut off on the way.
  if (status !== undefined && status < 300) return 'unreachable';
  return 'final';
}

/** Whether fewer requests at a time would help; a HEAD tells no more than 503. */
export const asksForLess = (error: unknown) => classify(error) === 'throttled' || statusOf(error) === 503;

/** Whether a request that ended so may have been done all the same. */
export const mayHaveHappened = (trouble: Trouble) => trouble === 'failing' || trouble === 'unreachable';

/** A conditional write met a key it must not write. */
export const isConditionFailed = (error: unknown) => statusOf(error) === 412 || nameOf(error) === 'PreconditionFailed';

/** The key is absent; a missing bucket has another name. HEAD answers have no name but the status's. */
export const isNoSuchKey = (error: unknown) => ['NoSuchKey', 'NotFound'].includes(nameOf(error));

export const isNoSuchUpload = (error: unknown) => nameOf(error) === 'NoSuchUpload';

export const isConflict = (error: unknown) => classify(error) === 'conflict';

/** S3's name of the error (`SlowDown`), or JavaScript's. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/** The system's code of a network error (`ECONNRESET`), or the empty text. Looks into aggregates, which name none. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** HTTP status of the answer, if there was one. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof S3ServiceException) return error.$metadata.httpStatusCode;
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata as { readonly httpStatusCode?: number } | undefined;
  return metadata?.httpStatusCode;
}
