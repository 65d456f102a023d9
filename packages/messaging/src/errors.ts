import { AdctlError, userError } from '@adctl/protocol';

/** Thrown by calls, waits and streams when the controller cannot be reached or has gone away. */
export function controllerUnreachable(why: string, cause?: unknown): AdctlError {
  return new AdctlError(`the controller cannot be reached: ${why}`, {
    code: 'controller_unreachable',
    kind: 'transient',
    hint: 'See whether `adctl dev` or `adctl sweep` still runs there, and start it again.',
    cause,
  });
}

/** Thrown when another living process owns the directory. */
export function directoryInUse(
  directory: string,
  owner: { pid: number; host: string; startedAt: string } | null,
): AdctlError {
  const who =
    owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}, running since ${owner.startedAt},`;
  return userError('directory_in_use', `${who} already runs a controller in ${directory}`, {
    hint:
      owner === null
        ? 'Use that controller from this terminal, end it first, or work in another folder.'
        : `Use that controller from this terminal, end it first (kill ${owner.pid}), or work in another folder.`,
    details: { directory, ...(owner === null ? {} : { owner }) },
  });
}

/** Thrown when the file holds a database of some other program. */
export function databaseForeign(file: string): AdctlError {
  return userError('database_foreign', `${file} is a database, but not one of adctl's`, {
    hint: 'Move the file away, or use another directory.',
    details: { file },
  });
}

/** Thrown when a newer adctl wrote the file. */
export function databaseTooNew(file: string, version: number, known: number): AdctlError {
  return userError(
    'database_too_new',
    `${file} was written by a newer adctl (layout ${version}; this one knows up to ${known})`,
    { hint: 'Use the newer adctl, or another directory.', details: { file, version, known } },
  );
}

/** Thrown when one deployment's verb would get two handlers. */
export function verbAlreadyServed(verb: string): AdctlError {
  return new AdctlError(`${verb} is already served`, { code: 'verb_already_served', kind: 'bug', details: { verb } });
}

/** Thrown for `null` and for what JSON cannot carry as a state value, event or payload. */
export function badValue(what: string, cause?: unknown): AdctlError {
  return new AdctlError(`${what} must be a JSON value`, { code: 'bad_json_value', kind: 'bug', cause });
}

/** Thrown when no NATS server answers, or JetStream stays silent for longer than we wait. The controller lives behind it. */
export function natsUnreachable(why: string, cause?: unknown): AdctlError {
  return new AdctlError(`NATS cannot be reached: ${why}`, {
    code: 'controller_unreachable',
    kind: 'transient',
    hint: 'See whether the nats-server runs and this machine may reach it; `adctl doctor` looks at every part.',
    cause,
  });
}

/** Thrown for one attempt at NATS that may well work the next time: no answer, no connection, no leader. */
export function natsInterrupted(code: 'nats_timeout' | 'nats_no_responders' | 'nats_disconnected', what: string) {
  return new AdctlError(what, { code, kind: 'transient' });
}

/** Thrown when the server's permissions for this user do not cover what was tried. */
export function natsPermissionDenied(operation: string, subject: string, cause?: unknown): AdctlError {
  return new AdctlError(`NATS does not allow this user to ${operation} ${subject}`, {
    code: 'nats_permission_denied',
    kind: 'permanent',
    hint: 'Compare the permissions of the user with docs/messaging.md: a role may do its own work and nothing else. Commands below `adctl admin` and --as-admin need a user of role admin.',
    details: { operation, subject },
    cause,
  });
}

/** Thrown when the server refuses who we are. */
export function natsAuthRefused(cause: unknown): AdctlError {
  return userError('nats_auth_refused', 'the NATS server refused the credentials', {
    hint: 'Check the seed, credentials or password file named in the context against the users of the server.',
    cause,
  });
}

/** Thrown when no trusted TLS connection can be made: another authority, another host name, an unreadable file, no TLS. */
export function natsTlsRefused(why: string, cause: unknown): AdctlError {
  return userError('nats_tls_refused', `no TLS connection to the NATS server: ${why}`, {
    hint: "Name the file of the authority that signed the server's certificate, and the host as the certificate does.",
    cause,
  });
}

/** Thrown for connection options that cannot be used. */
export function natsBadOptions(why: string, hint: string, cause?: unknown): AdctlError {
  return userError('nats_bad_options', why, { hint, cause });
}

/** Thrown when the server is older than what adctl is tested with. */
export function natsServerTooOld(version: string, floor: string): AdctlError {
  return new AdctlError(`nats-server ${version} is older than ${floor}`, {
    code: 'nats_server_too_old',
    kind: 'permanent',
    hint: `Use nats-server ${floor} or newer.`,
    details: { version, floor },
  });
}

/** Thrown when the server does not offer JetStream to this account. */
export function natsWithoutJetStream(): AdctlError {
  return new AdctlError('the NATS server runs without JetStream', {
    code: 'nats_without_jetstream',
    kind: 'permanent',
    hint: 'Switch JetStream on (with a file store) in the server configuration or the chart values.',
  });
}

/** Thrown when streams, buckets or consumers are missing. */
export function natsNotPrepared(what: string, cause?: unknown): AdctlError {
  return new AdctlError(`${what} does not exist`, {
    code: 'nats_not_prepared',
    kind: 'transient',
    hint: 'The controller makes it when it starts and mends it while it runs; see whether a controller runs.',
    details: { what },
    cause,
  });
}

/** Thrown for whatever else JetStream refuses. @param mendsItself whether a later attempt may succeed without anybody acting. */
export function natsApiError(
  what: string,
  error: { code: number; err_code?: number; description?: string },
  { mendsItself, hint }: { readonly mendsItself: boolean; readonly hint?: string | undefined },
) {
  return new AdctlError(`JetStream refused ${what}: ${error.description ?? `error ${error.code}`}`, {
    code: 'nats_api_error',
    kind: mendsItself ? 'transient' : 'permanent',
    hint,
    details: { status: error.code, errCode: error.err_code ?? 0 },
  });
}

/** Thrown for a message in the queue that this version cannot read. */
export function queueMessageNotUnderstood(sequence: number, cause: unknown): AdctlError {
  return new AdctlError(`message ${sequence} of the queue is no assignment that this version understands`, {
    code: 'queue_message_not_understood',
    kind: 'permanent',
    hint: 'Run the same version of adctl in controller and workers.',
    details: { sequence },
    cause,
  });
}

/** Thrown when the server takes no note of an ack, nak or renewal. */
export function ackUnconfirmed(cause: unknown): AdctlError {
  return new AdctlError('the NATS server does not confirm the answer to a delivery', {
    code: 'queue_ack_unconfirmed',
    kind: 'transient',
    hint: 'Go on: the message is handed out again, and the lease decides who may train.',
    cause,
  });
}

/** Thrown for a message larger than the server takes. */
export function messageTooLarge(subject: string, cause?: unknown): AdctlError {
  return new AdctlError(`the message to ${subject} is larger than the NATS server takes`, {
    code: 'message_too_large',
    kind: 'permanent',
    hint: 'Keep large values in the object store and send their key; or raise max_payload on the server.',
    details: { subject },
    cause,
  });
}

/** SQLite's primary result codes that say something about the file (sqlite.org/rescode.html). */
const SqliteCode = { READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const;

/** The primary result code of an error thrown by `node:sqlite`, else undefined. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** What can be wrong with the place of a file, and the way out. */
const PLACE_FAILURES = {
  storage_full: {
    kind: 'transient',
    says: 'the disk is full',
    hint: 'Free some space; nothing that was confirmed is lost.',
  },
  storage_denied: {
    kind: 'permanent',
    says: 'it cannot be opened for writing',
    hint: 'Give this user write permission on the file and its folder, or use another directory.',
  },
  database_corrupt: {
    kind: 'permanent',
    says: 'it is damaged, or no database',
    hint: 'Move the file away and run `adctl admin rebuild`: results and checkpoints are in the object store.',
  },
  storage_broken: {
    kind: 'permanent',
    says: 'reading or writing it failed',
    hint: 'Look at the disk and the system log.',
  },
} as const;
type PlaceFailure = keyof typeof PLACE_FAILURES;

const FAILURE_OF_SQLITE: Readonly<Record<number, PlaceFailure>> = {
  [SqliteCode.FULL]: 'storage_full',
  [SqliteCode.READONLY]: 'storage_denied',
  [SqliteCode.CANTOPEN]: 'storage_denied',
  [SqliteCode.CORRUPT]: 'database_corrupt',
  [SqliteCode.NOTADB]: 'database_corrupt',
  [SqliteCode.IOERR]: 'storage_broken',
};

const FAILURE_OF_ERRNO: Readonly<Record<string, PlaceFailure>> = {
  ENOSPC: 'storage_full',
  EDQUOT: 'storage_full',
  EACCES: 'storage_denied',
  EPERM: 'storage_denied',
  EROFS: 'storage_denied',
  ENOTDIR: 'storage_denied',
  EEXIST: 'storage_denied',
  EIO: 'storage_broken',
};

/**
 * Names the file and the way out for what SQLite or the file system reports: `storage_full` (transient),
 * `storage_denied`, `database_corrupt` and `storage_broken` (permanent). Anything else is returned as it came.
 */
export function fromPlace(error: unknown, file: string): unknown {
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const code = FAILURE_OF_SQLITE[sqliteCodeOf(error) ?? -1] ?? FAILURE_OF_ERRNO[errno];
  if (code === undefined) return error;
  const { kind, says, hint } = PLACE_FAILURES[code];
  return new AdctlError(`${file}: ${says}`, { code, kind, hint, details: { file }, cause: error });
}
