import { constants } from 'node:fs';
import * as promises from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../errors.js';

/** What the store asks of `node:fs/promises`; tests pass one that fails on purpose. */
export type FileSystem = Pick<
  typeof promises,
  'open' | 'utimes' | 'link' | 'rename' | 'unlink' | 'mkdir' | 'rmdir' | 'rm' | 'lstat' | 'readdir' | 'realpath'
>;

export const nodeFileSystem: FileSystem = promises;

/** The value, or null when there is no such file. */
export async function orNull<T>(pending: Promise<T>, ...expected: string[]): Promise<T | null> {
  try {
    return await pending;
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'ENOENT' || expected.includes(errno)) return null;
    throw error;
  }
}

/** Makes the entries of a folder durable: renames, links and deletes in it survive a power loss. */
export async function syncFolder(fs: FileSystem, folder: string): Promise<void> {
  const handle = await fs.open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder and its missing parents, durably. */
export async function makeFolder(fs: FileSystem, folder: string): Promise<void> {
  const first = await fs.mkdir(folder, { recursive: true });
  if (first === undefined) return;
  const highest = dirname(first);
  for (let made = dirname(folder); made.length >= highest.length; made = dirname(made)) {
    await syncFolder(fs, made);
    if (made === highest) return;
  }
}

/** Removes empty folders from one upwards, ending below `root`. Someone else's new file in them ends it, too. */
export async function removeEmptyFolders(fs: FileSystem, folder: string, root: string): Promise<void> {
  for (let empty = folder; empty.startsWith(join(root, '/')); empty = dirname(empty)) {
    const removed = await orNull(
      fs.rmdir(empty).then(() => true),
      'ENOTEMPTY',
      'EEXIST',
    );
    if (removed === null) return;
  }
}
