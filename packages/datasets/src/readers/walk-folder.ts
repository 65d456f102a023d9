import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { badFolder, unsafePath } from '../errors.js';

/** What the bundled decoder reads, by file name; other files in a class folder are left alone. */
export const IMAGE_EXTENSIONS: readonly string[] = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.gif', '.avif'];

/** The folder with links resolved. @throws AdctlError user `bad_image_folder` when it is not there or no folder. */
export async function resolveRoot(givenRoot: string): Promise<string> {
  const root = await realpath(givenRoot).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw badFolder(givenRoot, 'does not exist');
    throw error;
  });
  if (!(await stat(root)).isDirectory()) throw badFolder(root, 'is not a folder');
  return root;
}

/** Names of the images directly in a folder, in order. @throws AdctlError user `unsafe_path`, `bad_image_folder`. */
export async function imageNamesIn(root: string, folder: string): Promise<string[]> {
  const names = await namesIn(root, folder, 'file');
  return names.filter((name) => IMAGE_EXTENSIONS.includes(extname(name).toLowerCase()));
}

/**
 * Names of the folders or files directly in a folder, links followed as long as they stay below the root; hidden ones are left out.
 * @throws AdctlError user `unsafe_path`, `bad_image_folder` for a link to nothing.
 */
export async function namesIn(root: string, folder: string, kind: 'file' | 'directory'): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const facts = entry.isSymbolicLink() ? await followLink(root, path) : entry;
    if (kind === 'file' ? facts.isFile() : facts.isDirectory()) names.push(entry.name);
  }
  return inOrder(names);
}

async function followLink(root: string, path: string) {
  return stat(await resolveInside(root, path));
}

/**
 * Where a path leads once links are followed.
 * @throws AdctlError user `unsafe_path` when that is not below the root, `bad_image_folder` when there is nothing.
 */
export async function resolveInside(root: string, path: string): Promise<string> {
  const target = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw badFolder(root, `${relative(root, path)} is a link to nothing`);
  });
  if (target !== root && !target.startsWith(root.endsWith(sep) ? root : root + sep)) throw unsafePath(path, root);
  return target;
}

/** By code unit, so that every machine lists the same. */
export function inOrder(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
