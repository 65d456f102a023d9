import { DatabaseSync, type StatementSync } from 'node:sqlite';
// Taken from the module, so that tests which replace the global timers do not hold writes back.
import { setImmediate } from 'node:timers';
import { controllerUnreachable, databaseForeign, databaseTooNew, fromPlace } from '../errors.js';
import { APPLICATION_ID, MIGRATIONS } from './schema.js';

interface PendingWrite {
  readonly action: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** How many writes at most share one commit, so that the event loop is never held for long. */
const BATCH_LIMIT = 512;

/**
 * The one connection to the embedded database. Writes that arrive in one turn of the event loop share one transaction
 * and thus one fsync (group commit); a promise resolves when its transaction is on disk. Reads run at once and see
 * committed data only, because a transaction never spans two turns.
 */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #file: string;
  #pending: PendingWrite[] = [];
  #closed = false;

  /**
   * Opens or creates the file and brings its layout up to date.
   * @throws AdctlError user `database_too_new` and `database_foreign`; permanent `database_corrupt` and `storage_denied`; transient `storage_full`.
   */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#connection = new DatabaseSync(file);
    } catch (error) {
      throw fromPlace(error, file);
    }
    try {
      migrate(this.#connection, file);
    } catch (error) {
      this.#connection.close();
      throw fromPlace(error, file);
    }
  }

  prepare(sql: string): StatementSync {
    return this.#connection.prepare(sql);
  }

  /** Runs a read now. */
  read<T>(action: () => T): T {
    if (this.#closed) throw controllerUnreachable('it was closed');
    try {
      return action();
    } catch (error) {
      throw fromPlace(error, this.#file);
    }
  }

  /**
   * Runs a write in the next shared transaction and resolves with its value once that is durable.
   * @param action only statements on this database: it runs again, alone, when another action of its batch failed.
   */
  write<T>(action: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(controllerUnreachable('it was closed'));
    return new Promise<T>((resolve, reject) => {
      if (this.#pending.length === 0) setImmediate(() => this.#flush());
      this.#pending.push({ action, resolve: (value) => resolve(value as T), reject });
    });
  }

  /** Commits what is pending and closes the file. */
  close(): void {
    if (this.#closed) return;
    while (this.#pending.length > 0) this.#flush();
    this.#closed = true;
    this.#connection.close();
  }

  #flush(): void {
    const batch = this.#pending.splice(0, BATCH_LIMIT);
    if (this.#pending.length > 0) setImmediate(() => this.#flush());
    if (batch.length === 0) return;
    try {
      const values = this.#inTransaction(() => batch.map((write) => write.action()));
      for (const [index, write] of batch.entries()) write.resolve(values[index]);
    } catch {
      // One action spoils the batch for all; alone, each gets its own answer.
      for (const write of batch) this.#commitAlone(write);
    }
  }

  #commitAlone(write: PendingWrite): void {
    try {
      write.resolve(this.#inTransaction(write.action));
    } catch (error) {
      write.reject(fromPlace(error, this.#file));
    }
  }

  #inTransaction<T>(action: () => T): T {
    this.#connection.exec('BEGIN');
    try {
      const value = action();
      this.#connection.exec('COMMIT');
      return value;
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      throw error;
    }
  }
}

function migrate(connection: DatabaseSync, file: string): void {
  const version = pragma(connection, 'user_version');
  const application = pragma(connection, 'application_id');
  const tables = connection.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n;
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0 || tables !== 0))
    throw databaseForeign(file);
  if (version > MIGRATIONS.length) throw databaseTooNew(file, version, MIGRATIONS.length);
  connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY');
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    connection.exec(
      `BEGIN; ${step}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}; COMMIT`,
    );
  }
  // A file this user may read but not write opens without complaint; find out now, not at the first trial.
  connection.exec('BEGIN IMMEDIATE; UPDATE counter SET revision = revision; COMMIT');
}

function pragma(connection: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(connection.prepare(`PRAGMA ${name}`).get()?.[name]);
}
