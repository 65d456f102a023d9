import { AdctlError } from '@adctl/protocol';

/** Thrown before anything reaches a store: the key was not built by the protocol's builders. */
export function badObjectKey(key: string, why: string): AdctlError {
  return new AdctlError(`${JSON.stringify(key)} is no object key: ${why}`, {
    code: 'bad_object_key',
    kind: 'bug',
    details: { key },
  });
}

/** Thrown when an object that must exist is not there. */
export function objectMissing(key: string): AdctlError {
  return new AdctlError(`there is no object ${key}`, { code: 'object_missing', kind: 'permanent', details: { key } });
}

/** Thrown when an upload to take up again was completed, aborted, cleaned up or is for another key. */
export function uploadMissing(key: string, uploadId: string): AdctlError {
  return new AdctlError(`there is no unfinished upload ${uploadId} for ${key}`, {
    code: 'upload_missing',
    kind: 'permanent',
    hint: 'Start the upload again from its first part.',
    details: { key, uploadId },
  });
}

/** Thrown when an upload is completed of which nothing was sent. */
export function uploadEmpty(key: string): AdctlError {
  return new AdctlError(`the upload of ${key} has no parts`, { code: 'upload_empty', kind: 'bug', details: { key } });
}

/** Thrown when a link inside the store leads elsewhere: the store never follows one. */
export function objectOutsideRoot(key: string, root: string): AdctlError {
  return new AdctlError(`a symbolic link in ${root} stands in the way of ${key}`, {
    code: 'object_outside_root',
    kind: 'permanent',
    hint: 'Replace the link by a folder; the store as a whole may be moved or linked, its parts may not.',
    details: { key, root },
  });
}

/** Thrown by stores that cannot hold an object both at `a` and at `a/b`. */
export function objectKeyConflict(key: string): AdctlError {
  return new AdctlError(
    `${key} cannot be stored: an object stands where it needs a folder, or a folder where it needs its place`,
    {
      code: 'object_key_conflict',
      kind: 'permanent',
      details: { key },
    },
  );
}

/** Thrown when bytes that were committed under a key are not the bytes to be committed now. */
export function checkpointConflict(key: string): AdctlError {
  return new AdctlError(`${key} is already stored with other content`, {
    code: 'checkpoint_conflict',
    kind: 'bug',
    hint: 'Two different checkpoints claim the same attempt and step.',
    details: { key },
  });
}

/** Thrown when a result object exists but can't be read as one. */
export function resultUnreadable(key: string, cause: unknown): AdctlError {
  return new AdctlError(`the result ${key} is damaged, or written by a newer adctl`, {
    code: 'result_unreadable',
    kind: 'permanent',
    hint: 'Look at the object; move it away if it is damaged, then retry the trial.',
    details: { key },
    cause,
  });
}

const KINDS = {
  storage_full: {
    kind: 'transient',
    says: 'the disk is full',
    hint: 'Free some space; nothing that was confirmed is lost.',
  },
  storage_busy: {
    kind: 'transient',
    says: 'the system has no free file handles',
    hint: 'Raise `ulimit -n` if this stays.',
  },
  storage_denied: {
    kind: 'permanent',
    says: 'permission denied',
    hint: 'Give this user write permission there, or use another directory.',
  },
  storage_broken: {
    kind: 'permanent',
    says: 'reading or writing failed',
    hint: 'Look at the disk and the system log.',
  },
} as const;

const CODE_OF_ERRNO: Readonly<Record<string, keyof typeof KINDS>> = {
  ENOSPC: 'storage_full',
  EDQUOT: 'storage_full',
  EMFILE: 'storage_busy',
  ENFILE: 'storage_busy',
  EACCES: 'storage_denied',
  EPERM: 'storage_denied',
  EROFS: 'storage_denied',
  EIO: 'storage_broken',
};

/** The operating system's name of an error (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Names the place and the way out for what a file system reports: `storage_full`, `storage_busy` (transient),
 * `storage_denied`, `storage_broken` (permanent). Anything else is returned as it came.
 */
export function fromFileSystem(error: unknown, place: string): unknown {
  const code = CODE_OF_ERRNO[errnoOf(error) ?? ''];
  if (code === undefined) return error;
  return failureAt(code, place, error);
}

/** Thrown when a file of the store's own can't be opened for writing. */
export function storageDenied(place: string, cause: unknown): AdctlError {
  return failureAt('storage_denied', place, cause);
}

function failureAt(code: keyof typeof KINDS, place: string, cause: unknown): AdctlError {
  const { kind, says, hint } = KINDS[code];
  return new AdctlError(`${says}: ${place}`, { code, kind, hint, details: { place }, cause });
}
