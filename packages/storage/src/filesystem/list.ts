import type { Dirent } from 'node:fs';
import { dirname } from 'node:path';
import type { ObjectInfo } from '../object-store.js';
import { toObjectInfo } from './etag.js';
import { type FileSystem, orNull } from './file-system.js';
import type { Places } from './places.js';

/**
 * Walks the objects whose key begins with a prefix and comes after a key, in byte order of the whole key, holding one
 * folder's names a level in memory. What appears or goes during the walk may or may not be seen. Links are passed over.
 */
export async function* listObjects(
  fs: FileSystem,
  places: Places,
  prefix: string,
  after: string,
): AsyncGenerator<ObjectInfo> {
  const folderKey = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  // A folder that leads out of the store through a link has no objects of ours.
  const folder = dirname(places.pathOf(`${folderKey}x`));
  if (
    (await orNull(
      places.assertInside(`${folderKey}x`).then(() => true),
      'ENOTDIR',
    )) === null
  )
    return;
  yield* walk(fs, folder, folderKey, { prefix, after });
}

async function* walk(
  fs: FileSystem,
  folder: string,
  folderKey: string,
  range: { readonly prefix: string; readonly after: string },
): AsyncGenerator<ObjectInfo> {
  const entries = (await orNull(fs.readdir(folder, { withFileTypes: true }), 'ENOTDIR')) ?? [];
  for (const { key, entry } of inKeyOrder(folderKey, entries)) {
    if (entry.isDirectory()) {
      // Everything below a folder comes before `after` unless `after` lies in it or earlier.
      const begun = key.startsWith(range.prefix) || range.prefix.startsWith(key);
      const left = key > range.after || range.after.startsWith(key);
      if (begun && left) yield* walk(fs, `${folder}/${entry.name}`, key, range);
    } else if (entry.isFile() && key.startsWith(range.prefix) && key > range.after) {
      const facts = await orNull(fs.lstat(`${folder}/${entry.name}`, { bigint: true }));
      if (facts?.isFile()) yield toObjectInfo(key, facts);
    }
  }
}

/** Names as keys, sorted as the keys they lead to: a folder counts with its slash ('-' and '.' come before '/'). */
function inKeyOrder(folderKey: string, entries: readonly Dirent[]) {
  return entries
    .filter((entry) => !entry.name.startsWith('~'))
    .map((entry) => ({ entry, key: `${folderKey}${entry.name}${entry.isDirectory() ? '/' : ''}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
