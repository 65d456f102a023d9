import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const COMPILED = /\.(?:js|js\.map|d\.ts|d\.ts\.map)$/;

/**
 * Removes what `packages/<package>/dist` holds without a file in `src` that it could come from.
 *
 * @param {string} root folder with `packages`
 * @returns {Promise<string[]>} what was removed, relative to the root
 */
export async function pruneBuilt(root) {
  const removed = [];
  for (const name of await readdir(join(root, 'packages'))) {
    const folder = join('packages', name);
    if (!existsSync(join(root, folder, 'dist'))) continue;
    for (const file of await readdir(join(root, folder, 'dist'), { recursive: true })) {
      if (!COMPILED.test(file)) continue;
      const source = join(root, folder, 'src', file.replace(COMPILED, ''));
      if (existsSync(`${source}.ts`) || existsSync(`${source}.tsx`)) continue;
      removed.push(join(folder, 'dist', file));
    }
  }
  await Promise.all(removed.map((file) => rm(join(root, file))));
  return removed.sort();
}
