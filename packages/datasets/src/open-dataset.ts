import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@adctl/protocol';
import { type DigestMemory, datasetDirectory, openDigestMemory } from './cache.js';
import type { Dataset, ImageShape } from './dataset.js';
import type { DatasetFile, FileDatasetCard, LocatedFile } from './dataset-card.js';
import { corruptDataset, datasetMissing, digestMismatch } from './errors.js';
import { padDataset } from './pad-dataset.js';
import { findDataset } from './registry.js';

/** Which data set, as a sweep or a trial names it (a `TrialDataset` fits). */
export interface DatasetRequest {
  /** Name in the registry. */
  readonly name: string;
  /** Folder given by the user; absent for data sets in the cache. */
  readonly root?: string | undefined;
  /** Image size the model sees; absent: the data set's own. */
  readonly input?: ImageShape | undefined;
}

/** Where things are, passed in by `main.ts`. */
export interface OpenOptions {
  /** From `resolveCacheDir`. */
  readonly cacheDir: string;
}

/**
 * Opens a data set: finds its files, checks their digests (computed once, then remembered) and headers, and reads the labels.
 * Pixels stay on disk until read.
 *
 * @throws AdctlError user `unknown_dataset`, `dataset_missing` (with the command that fetches it), `digest_mismatch`,
 *   `corrupt_dataset`, `bad_image_folder`, `unsafe_path`, `unsupported_image_size`.
 */
export async function openDataset(request: DatasetRequest, options: OpenOptions): Promise<Dataset> {
  const card = findDataset(request.name);
  if (card.kind === 'folder') throw new Error('folder');
  const dataset = await openFileDataset(card, request.root, options);
  return request.input === undefined ? dataset : padDataset(dataset, request.input);
}

async function openFileDataset(
  card: FileDatasetCard,
  root: string | undefined,
  { cacheDir }: OpenOptions,
): Promise<Dataset> {
  const cached = datasetDirectory(cacheDir, card.name);
  const located = await locateFiles(card, root ?? cached);
  const memory = await openDigestMemory(cached);
  const digests: [string, string][] = [];
  for (const { file, path } of located) digests.push([file.name, await checkedDigest(card, file, path, memory)]);
  await memory.save();
  const { train, test, release } = await card.open(located);
  for (const [part, found, expected] of [
    ['training', train.count, card.counts.train],
    ['test', test.count, card.counts.test],
  ] as const) {
    if (found !== expected) {
      throw corruptDataset(root ?? cached, `holds ${found} ${part} images, expected ${expected}`, { expected, found });
    }
  }
  return {
    name: card.name,
    classes: card.classes,
    shape: card.shape,
    partition: card.partition,
    train,
    test,
    digest: digestOf({ name: card.name, reader: card.reader, shape: card.shape, partition: card.partition, digests }),
    async close() {
      release();
    },
  };
}

/**
 * Finds each file of a card in a folder, under its own name or an alias, plain or with `.gz`; the folder of the official
 * archive inside it is looked into as well.
 * @throws AdctlError user `dataset_missing` naming every file not found.
 */
export async function locateFiles(card: FileDatasetCard, directory: string): Promise<LocatedFile[]> {
  const folders = card.archiveFolder === undefined ? [directory] : [directory, join(directory, card.archiveFolder)];
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
): Promise<string> {
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
