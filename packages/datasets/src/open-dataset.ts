import { digestOf, type Sha256, sharedDigest } from '@adctl/protocol';
import { datasetDirectory, openDigestMemory } from './cache.js';
import type { Dataset, ImageShape, Subset } from './dataset.js';
import type { FileDatasetCard, LocatedFile } from './dataset-card.js';
import { corruptDataset } from './errors.js';
import { checkedDigest, locateFiles } from './locate-files.js';
import { openFolderDataset } from './open-folder.js';
import { padDataset } from './pad-dataset.js';
import { findDataset } from './registry.js';
import { sharedDirectory } from './shared-cache.js';

/** Which data set, as a sweep or a trial names it (a `TrialDataset` fits). */
export interface DatasetRequest {
  /** Name in the registry. */
  readonly name: string;
  /** Folder given by the user, or `shared:<digest>` for what came from the object store; absent for data sets in the cache. */
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
  const { cacheDir } = options;
  const shared = sharedDigest(request.root);
  const root = shared === undefined ? request.root : sharedDirectory(cacheDir, shared);
  if (card.kind === 'folder') return openFolderDataset(card, { root, shape: request.input, cacheDir });
  const dataset = await openFileDataset(card, root, options);
  return request.input === undefined ? dataset : padDataset(dataset, request.input);
}

/** `openDataset` for a card in hand. Its folder is `root`, else the card's place in the cache. */
export async function openFileDataset(
  card: FileDatasetCard,
  root: string | undefined,
  { cacheDir }: OpenOptions,
): Promise<Dataset> {
  const { located, digests } = await checkFiles(card, root, { cacheDir });
  const { train, test, release } = await card.open(located);
  checkCounts(card, { train, test }, root ?? datasetDirectory(cacheDir, card.name));
  return {
    name: card.name,
    classes: card.classes,
    shape: card.shape,
    partition: card.partition,
    train,
    test,
    digest: digestOf({ ...fileBasis(card, digests), shape: card.shape }),
    async close() {
      release();
    },
  };
}

/** Finds a card's files and compares them with their pins. @returns also name and sha256 of each, unpacked. @throws as `openFileDataset`. */
export async function checkFiles(
  card: FileDatasetCard,
  root: string | undefined,
  { cacheDir }: OpenOptions,
): Promise<{ readonly located: readonly LocatedFile[]; readonly digests: readonly [name: string, sha256: Sha256][] }> {
  const cached = datasetDirectory(cacheDir, card.name);
  const located = await locateFiles(card, root ?? cached);
  const memory = await openDigestMemory(cached);
  const digests: [string, Sha256][] = [];
  for (const { file, path } of located) digests.push([file.name, await checkedDigest(card, file, path, memory)]);
  await memory.save();
  return { located, digests };
}

/** What the digest of a set of fixed files covers beside the image size. @param digests name and sha256 of each file, unpacked. */
export function fileBasis(
  { name, reader, partition }: Pick<FileDatasetCard, 'name' | 'reader' | 'partition'>,
  digests: readonly (readonly [name: string, sha256: string])[],
): Readonly<Record<string, unknown>> {
  return { name, reader, partition, digests };
}

/** @throws AdctlError user `corrupt_dataset` when a part holds more or fewer images than the card says. */
export function checkCounts(
  card: FileDatasetCard,
  parts: Readonly<Record<'train' | 'test', Pick<Subset, 'count'>>>,
  directory: string,
): void {
  for (const part of ['train', 'test'] as const) {
    const expected = card.counts[part];
    const found = parts[part].count;
    if (found !== expected) {
      throw corruptDataset(directory, `${part} holds ${found} images, expected ${expected}`, { expected, found });
    }
  }
}
