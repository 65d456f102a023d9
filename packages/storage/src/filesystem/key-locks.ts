import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { storageDenied } from '../errors.js';
import { type FileSystem, makeFolder } from './file-system.js';

const STRIPES = 16;
const BUSY = 5;
/** Pause between two tries while another process holds a stripe: long enough to let it work, short beside an fsync. */
const RETRY_MS = { least: 1, spread: 4 };

/**
 * Mutual exclusion by key, between the callers of one process and between processes. Keys share 16 stripes; a stripe is
 * an open exclusive transaction on its own empty SQLite file, so the kernel frees it when its holder dies, `kill -9`
 * included: no stale lock, no owner to check. Within the process callers take turns.
 *
 * Hazard: POSIX drops a process's locks on a file when it closes any descriptor of it; nothing else may open these files.
 */
export class KeyLocks {
  readonly #stripes = Array.from({ length: STRIPES }, () => ({
    connection: null as DatabaseSync | null,
    last: Promise.resolve(),
  }));

  constructor(
    private readonly fs: FileSystem,
    private readonly folder: string,
  ) {}

  /** Runs the action while nobody else holds the key. */
  async hold<T>(key: string, action: () => Promise<T>): Promise<T> {
    const index = (createHash('sha256').update(key).digest()[0] ?? 0) % STRIPES;
    const stripe = this.#stripes[index];
    if (stripe === undefined) throw new RangeError(`there is no stripe ${index}`);
    const turn = stripe.last;
    const { promise, resolve } = Promise.withResolvers<void>();
    stripe.last = promise;
    await turn;
    try {
      stripe.connection = await this.#begin(stripe.connection, join(this.folder, `${index}.sqlite`));
      try {
        return await action();
      } finally {
        stripe.connection.exec('ROLLBACK');
      }
    } finally {
      resolve();
    }
  }

  /** Takes the lock on a file, over the open connection or a new one. @returns the connection that holds it. */
  async #begin(open: DatabaseSync | null, file: string): Promise<DatabaseSync> {
    if (open !== null) {
      try {
        await waitForLock(open);
        return open;
      } catch {
        open.close(); // the file was deleted or replaced: what others lock now is another one
      }
    }
    await makeFolder(this.fs, this.folder);
    try {
      const connection = new DatabaseSync(file, { timeout: 0 });
      await waitForLock(connection);
      return connection;
    } catch (error) {
      throw storageDenied(file, error);
    }
  }
}

async function waitForLock(connection: DatabaseSync): Promise<void> {
  while (true) {
    try {
      connection.exec('BEGIN EXCLUSIVE');
      return;
    } catch (error) {
      const busy = error instanceof Error && 'errcode' in error && error.errcode === BUSY;
      if (!busy) throw error;
      await wait(RETRY_MS.least + Math.random() * RETRY_MS.spread);
    }
  }
}
