import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { directoryInUse, fromPlace, sqliteCodeOf } from '../errors.js';

const Owner = z.object({ pid: z.int(), host: z.string(), startedAt: z.string() });
/** Who holds a directory, as written beside the lock. */
export type Owner = z.infer<typeof Owner>;

export interface DirectoryLock {
  release(): void;
}

const BUSY = 5;

/**
 * Makes this process the only controller of a directory. The lock is an open exclusive transaction on `lock.sqlite`: the
 * kernel drops it when the process ends in any way, `kill -9` included, so it can't go stale. `owner.json` beside it is
 * only for the message to whoever comes second.
 *
 * Hazard: POSIX drops a process's locks on a file when it closes *any* descriptor of that file. Never open `lock.sqlite`
 * by other means.
 * @throws AdctlError user `directory_in_use`; permanent `storage_denied` when the directory cannot be written.
 */
export function acquireDirectoryLock(directory: string): DirectoryLock {
  const file = join(directory, 'lock.sqlite');
  const connection = openLockFile(directory, file);
  try {
    connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    writeOwner(directory);
  } catch (error) {
    connection.close();
    if (sqliteCodeOf(error) === BUSY) throw directoryInUse(directory, readOwner(directory));
    throw fromPlace(error, file);
  }
  return {
    release() {
      if (!connection.isOpen) return;
      rmSync(join(directory, 'owner.json'), { force: true });
      connection.close();
    },
  };
}

/** Who last took the directory, or null when nobody did or the note is unreadable. It may be gone by now. */
export function readOwner(directory: string): Owner | null {
  let text: string;
  try {
    text = readFileSync(join(directory, 'owner.json'), 'utf8');
  } catch {
    return null; // no note yet: the lock alone counts
  }
  const owner = z.preprocess(parseJsonOrNull, Owner).safeParse(text);
  return owner.success ? owner.data : null;
}

function openLockFile(directory: string, file: string): DatabaseSync {
  try {
    mkdirSync(directory, { recursive: true });
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw fromPlace(error, file);
  }
}

function writeOwner(directory: string): void {
  const owner: Owner = { pid: process.pid, host: hostname(), startedAt: new Date().toISOString() };
  const staged = join(directory, `owner.json.${process.pid}`);
  writeFileSync(staged, `${JSON.stringify(owner)}\n`);
  renameSync(staged, join(directory, 'owner.json'));
}

function parseJsonOrNull(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
