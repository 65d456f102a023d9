import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256 } from '@adctl/protocol';
import type { DigestMemory } from './cache.js';
import type { DatasetFile, FileDatasetCard, LocatedFile } from './dataset-card.js';
import { datasetMissing, digestMismatch } from './errors.js';

/**
 * Finds each file of a card in a folder, under its own name or an alias, plain or with `.gz`; the folder of the official
 * archive inside it is looked into as well.
 * @throws AdctlError user `dataset_missing` naming every file not found.
 */
export async function locateFiles(card: FileDatasetCard, directory: string): Promise<LocatedFile[]> {
  const folders = card.archive === undefined ? [directory] : [directory, join(directory, card.archive.folder)];
  const located: LocatedFile[] = [];
  const missing: string[] = [];
  for (const file of card.files) {
    const names = [file.name, ...(file.aliases ?? [])].flatMap((name) => [name, `${name}.gz`]);
    const path = await firstFile(folders.flatMap((folder) => names.map((name) => join(folder, name))));
    if (path === undefined) missing.push(file.name);
    else located.push({ file, path });
  }
  if (missing.length > 0) throw datasetMissing({ name: card.name, directory, missing, hint: card.obtain });
  return located;
}

/**
 * The digest of a file's unpacked content, after comparing it with the card's pins.
 * @throws AdctlError user `digest_mismatch`.
 */
export async function checkedDigest(
  card: FileDatasetCard,
  file: DatasetFile,
  path: string,
  memory: Pick<DigestMemory, 'digest'>,
): Promise<Sha256> {
  const found = await memory.digest(path);
  const pins: [string | undefined, string][] = [[file.sha256, found.content]];
  if (path.endsWith('.gz') && file.sha256 === undefined) pins.push([file.gzipSha256, found.file]);
  for (const [expected, actual] of pins) {
    if (expected !== undefined && expected !== actual) {
      throw digestMismatch({ dataset: card.name, file: path, expected, found: actual });
    }
  }
  return found.content;
}

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    if (facts?.isFile()) return path;
  }
  return undefined;
}
