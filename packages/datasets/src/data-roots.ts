import { realpath } from 'node:fs/promises';
import { isAbsolute, resolve, sep } from 'node:path';
import type { DatasetCard } from './dataset-card.js';
import { badFolder, dataRootRefused } from './errors.js';
import { locateFiles } from './locate-files.js';
import { resolveInside } from './readers/walk-folder.js';

/**
 * As `allowRoot`, for a data set: where folders are limited, no file of it may be a link that leads out either. Readers of image
 * folders see to that themselves, those of fixed files take what bears the name.
 *
 * @throws AdctlError user as `allowRoot`; `unsafe_path`; `dataset_missing`.
 */
export async function allowDatasetRoot(
  card: DatasetCard,
  root: string,
  allowed: readonly string[] | null,
): Promise<string> {
  const real = await allowRoot(root, allowed);
  if (allowed === null || card.kind === 'folder') return real;
  for (const { path } of await locateFiles(card, real)) await resolveInside(real, path);
  return real;
}

/**
 * Lets a folder pass that lies below one of the allowed ones, as it is written and after every link in it was followed. What is
 * refused as written is never looked at, so that an error does not tell what else is on the machine.
 *
 * @param root absolute.
 * @param allowed absolute folders; null allows everything.
 * @returns the folder with links resolved; as given where everything is allowed.
 * @throws AdctlError user `data_root_refused`; `bad_image_folder` when there is no such folder below an allowed one.
 */
export async function allowRoot(root: string, allowed: readonly string[] | null): Promise<string> {
  if (allowed === null) return root;
  const written = isAbsolute(root) ? resolve(root) : null;
  if (written === null || !allowed.some((folder) => isBelow(written, resolve(folder)))) {
    throw dataRootRefused(root, allowed);
  }
  const real = await realpath(written).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw badFolder(root, 'does not exist');
    throw error;
  });
  // A mount point may be a link itself; the folder then lies below where that leads.
  const places = await Promise.all(allowed.map((folder) => realpath(folder).catch(() => null))); // not mounted: nothing is below it
  if (!places.some((folder) => folder !== null && isBelow(real, folder))) throw dataRootRefused(root, allowed);
  return real;
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
