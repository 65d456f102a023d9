import type { BigIntStats } from 'node:fs';
import type { ObjectInfo } from '../object-store.js';
import type { FileSystem } from './file-system.js';

/**
 * The etag of a stored file: its inode, its modification time in nanoseconds and its size. It costs one `stat`, so that
 * listing 100,000 objects reads none of them, and it differs between any two writes of a key because `stamp` makes the
 * time of each write later than that of the one before (an inode alone is soon used again).
 */
export function etagOf(facts: BigIntStats): string {
  return [facts.ino, facts.mtimeNs, facts.size].map((part) => part.toString(36)).join('-');
}

export function toObjectInfo(key: string, facts: BigIntStats): ObjectInfo {
  return { key, bytes: Number(facts.size), etag: etagOf(facts), modifiedAt: new Date(Number(facts.mtimeMs)) };
}

/**
 * Sets a file's modification time to now, and in any case later than that of the file it is about to replace. The
 * microseconds are drawn by chance, for a key that is deleted and written again within one millisecond.
 * @param replaced facts of the file under the key, read while the key is locked; null when there is none.
 */
export async function stamp(fs: FileSystem, path: string, replaced: BigIntStats | null): Promise<void> {
  const afterMs = replaced === null ? 0 : Number(replaced.mtimeMs) + 1;
  const seconds = (Math.max(Date.now(), afterMs) + Math.random() * 0.999) / 1000;
  await fs.utimes(path, seconds, seconds);
}
