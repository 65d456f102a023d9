import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../cache.js';
import type { Archive, FileDatasetCard } from '../dataset-card.js';
import { digestMismatch } from '../errors.js';
import type { SourceContext } from './source.js';
import { unpackTar } from './unpack-tar.js';

/**
 * Finds a data set in a folder of the user's: the files themselves, or the official archive, which is unpacked.
 * @returns the folder that holds the card's files; the user's own is only read.
 * @throws AdctlError user `digest_mismatch` for an archive that is not the official one, `corrupt_dataset` for a broken one.
 */
export async function obtainFromDirectory(
  card: FileDatasetCard,
  directory: string,
  context: SourceContext,
): Promise<string> {
  if (card.archive === undefined) return directory;
  const path = join(directory, card.archive.name);
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return facts?.isFile() ? unpackArchive(card, card.archive, path, context) : directory;
}

/** Checks an archive against its pin and unpacks the card's files. @returns the folder that holds them. */
export async function unpackArchive(
  card: FileDatasetCard,
  archive: Archive,
  path: string,
  { stagingDir, onProgress }: SourceContext,
): Promise<string> {
  const { size } = await stat(path);
  onProgress({ step: 'unpack', name: archive.name, bytes: 0, totalBytes: size });
  const { file: found } = await digestFile(path);
  if (found !== archive.sha256) {
    throw digestMismatch({ dataset: card.name, file: path, expected: archive.sha256, found });
  }
  const unpacked = join(stagingDir, 'unpacked');
  await mkdir(unpacked);
  const wanted = new Set(card.files.map((file) => `${archive.folder}/${file.name}`));
  await unpackTar(path, unpacked, (entry) => wanted.has(entry.replace(/^\.\//, '')));
  onProgress({ step: 'unpack', name: archive.name, bytes: size, totalBytes: size });
  return unpacked;
}
