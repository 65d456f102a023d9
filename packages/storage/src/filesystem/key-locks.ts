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
  readonly #stripes = new Map<number, { readonly connection: DatabaseSync; last: Promise<void> }>();
  #folderMade: Promise<void> | null = null;

  constructor(
    private readonly fs: FileSystem,
    private readonly folder: string,
  ) {}

  /** Runs the action while nobody else holds the key. */
  async hold<T>(key: string, action: () => Promise<T>): Promise<T> {
    const stripe = await this.#stripeOf(key);
    const turn = stripe.last;
    const { promise, resolve } = Promise.withResolvers<void>();
    stripe.last = promise;
    await turn;
    try {
      await begin(stripe.connection);
      try {
        return await action();
      } finally {
        stripe.connection.exec('ROLLBACK');
      }
    } finally {
      resolve();
    }
  }

  async #stripeOf(key: string) {
    const index = (createHash('sha256').update(key).digest()[0] ?? 0) % STRIPES;
    this.#folderMade ??= makeFolder(this.fs, this.folder);
    await this.#folderMade.catch((error: unknown) => {
      this.#folderMade = null;
      throw error;
    });
    const known = this.#stripes.get(index);
    if (known !== undefined) return known;
    const stripe = { connection: openStripe(join(this.folder, `${index}.sqlite`)), last: Promise.resolve() };
    this.#stripes.set(index, stripe);
    return stripe;
  }
}

function openStripe(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw storageDenied(file, error);
  }
}

async function begin(connection: DatabaseSync): Promise<void> {
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
