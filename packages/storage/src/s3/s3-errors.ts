import { AdctlError } from '@adctl/protocol';
import { codeOf, nameOf, statusOf, type Trouble } from './classify.js';

/** What failed, in words that hold no secret. */
export interface Place {
  /** S3's name of the request, e.g. `PutObject`. */
  readonly operation: string;
  /** `s3://bucket/prefix/key`. */
  readonly url: string;
  /** Origin of the endpoint, or `AWS`. */
  readonly endpoint: string;
}

/** How far the retry loop got. */
export interface Effort {
  readonly tries: number;
  readonly elapsedMs: number;
}

/**
 * The error for a request that failed for good. S3's own message stays out of it and of its cause: it repeats access keys
 * and signed text. What is kept is the error's name, the status and the request's id.
 */
export function toStorageError(error: unknown, trouble: Trouble, place: Place, effort: Effort): AdctlError {
  const facts = { ...place, ...effort, error: wordFor(error), ...(statusOf(error) ? { status: statusOf(error) } : {}) };
  const at = `${place.operation} of ${place.url} at ${place.endpoint}`;
  const more = { details: facts, cause: safeCause(error) };
  if (trouble === 'throttled') return throttled(at, more);
  if (trouble === 'failing' || trouble === 'conflict') return failing(at, more);
  if (trouble === 'unreachable') return unreachable(at, more);
  return finalError(error, at, more);
}

type More = { readonly details: Readonly<Record<string, unknown>>; readonly cause: Error };

const wordFor = (error: unknown) => codeOf(error) || nameOf(error);

/** An error that says what kind it was and nothing else. */
function safeCause(error: unknown): Error {
  const status = statusOf(error);
  const request = requestIdOf(error);
  const parts = [wordFor(error), ...(status ? [`HTTP ${status}`] : []), ...(request ? [`request ${request}`] : [])];
  const cause = new Error(parts.join(', '));
  cause.name = nameOf(error);
  return cause;
}

function requestIdOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  return (error.$metadata as { readonly requestId?: string } | undefined)?.requestId;
}

function throttled(at: string, more: More): AdctlError {
  return new AdctlError(`the object store kept asking for fewer requests: ${at}`, {
    code: 'storage_throttled',
    kind: 'transient',
    hint: 'Wait, or run fewer workers against this bucket; S3 raises its limits by itself over some minutes.',
    ...more,
  });
}

function failing(at: string, more: More): AdctlError {
  return new AdctlError(`the object store kept failing: ${at}`, {
    code: 'storage_failing',
    kind: 'transient',
    hint: "Look at the store's own health; nothing that was confirmed is lost.",
    ...more,
  });
}

function unreachable(at: string, more: More): AdctlError {
  return new AdctlError(`the object store did not answer (${String(more.details.error)}): ${at}`, {
    code: 'storage_unreachable',
    kind: 'transient',
    hint: 'Check the endpoint, DNS, proxies and network policies between here and there.',
    ...more,
  });
}

const DENIED = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'AllAccessDisabled',
]);
const WRONG_REGION = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'TokenProviderError', 'IDPCommunicationError']);

function finalError(error: unknown, at: string, more: More): AdctlError {
  const name = nameOf(error);
  const status = statusOf(error);
  if (name === 'NoSuchBucket') return bucketMissing(at, more);
  if (NO_CREDENTIALS.has(name)) return noCredentials(at, more);
  if (name === 'RequestTimeTooSkewed' || name === 'RequestExpired') return clockSkewed(at, more);
  if (WRONG_REGION.has(name) || status === 301) return wrongRegion(at, more);
  if (DENIED.has(name) || status === 401 || status === 403 || /Token/.test(name)) return denied(at, more);
  if (name === 'EntityTooSmall') return partTooSmall(at, more);
  if (name === 'NotImplemented' || status === 501) return unsupported(at, more);
  return refused(at, more);
}

function bucketMissing(at: string, more: More): AdctlError {
  return new AdctlError(`there is no such bucket: ${at}`, {
    code: 'bucket_missing',
    kind: 'permanent',
    hint: 'Create the bucket, or correct its name, the endpoint or forcePathStyle.',
    ...more,
  });
}

function noCredentials(at: string, more: More): AdctlError {
  return new AdctlError(`no credentials for the object store were found: ${at}`, {
    code: 'storage_no_credentials',
    kind: 'permanent',
    hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the pod a service account with a role.',
    ...more,
  });
}

function clockSkewed(at: string, more: More): AdctlError {
  return new AdctlError(`the object store says this machine's clock is wrong: ${at}`, {
    code: 'storage_clock_skew',
    kind: 'permanent',
    hint: 'Set the clock by NTP; S3 allows 15 minutes.',
    ...more,
  });
}

function wrongRegion(at: string, more: More): AdctlError {
  return new AdctlError(`the bucket is in another region: ${at}`, {
    code: 'storage_wrong_region',
    kind: 'permanent',
    hint: "Set the store's region to the bucket's.",
    ...more,
  });
}

function denied(at: string, more: More): AdctlError {
  return new AdctlError(
    `the object store refused the credentials or the access (${String(more.details.error)}): ${at}`,
    {
      code: 'storage_denied',
      kind: 'permanent',
      hint: "Check the credentials and the role's policy (docs/storage.md); without s3:ListBucket absent keys are refused, too.",
      ...more,
    },
  );
}

function partTooSmall(at: string, more: More): AdctlError {
  return new AdctlError(`a part that is not the last is under 5 MiB: ${at}`, {
    code: 'part_too_small',
    kind: 'bug',
    ...more,
  });
}

function unsupported(at: string, more: More): AdctlError {
  return new AdctlError(`the object store does not know this request: ${at}`, {
    code: 'storage_unsupported',
    kind: 'permanent',
    hint: 'docs/storage.md lists what a store must be able to do.',
    ...more,
  });
}

function refused(at: string, more: More): AdctlError {
  return new AdctlError(`the object store refused a request (${String(more.details.error)}): ${at}`, {
    code: 'storage_refused',
    kind: 'permanent',
    hint: 'Look the name of the error up in the documentation of the store.',
    ...more,
  });
}

/** Thrown when the answer to a compare-and-set was lost, and by now the key holds another writer's object. */
export function outcomeUnknown({ operation, url, endpoint }: Place): AdctlError {
  return new AdctlError(
    `the answer to a write was lost, and others have written since: ${operation} of ${url} at ${endpoint}`,
    {
      code: 'storage_outcome_unknown',
      kind: 'transient',
      hint: 'Read the object and decide again.',
      details: { operation, url, endpoint },
    },
  );
}

/** Thrown when an object was replaced while it was being read. */
export function objectChanged({ operation, url, endpoint }: Place): AdctlError {
  return new AdctlError(`the object was replaced while it was read: ${operation} of ${url} at ${endpoint}`, {
    code: 'object_changed',
    kind: 'transient',
    hint: 'Read it again.',
    details: { operation, url, endpoint },
  });
}

/** Thrown when S3 gave up an upload because another write of its key was under way. */
export function uploadConflict({ operation, url, endpoint }: Place): AdctlError {
  return new AdctlError(`the upload met another write of its key: ${operation} of ${url} at ${endpoint}`, {
    code: 'upload_conflict',
    kind: 'transient',
    hint: 'Start the upload again from its first part.',
    details: { operation, url, endpoint },
  });
}

/** Thrown when what arrived is not what was stored, several times in a row. */
export function objectDamaged({ operation, url, endpoint }: Place): AdctlError {
  return new AdctlError(`the content is not what its SHA-256 says: ${operation} of ${url} at ${endpoint}`, {
    code: 'object_damaged',
    kind: 'permanent',
    hint: 'Restore the object from a version or a copy, or delete it.',
    details: { operation, url, endpoint },
  });
}
