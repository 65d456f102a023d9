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
  options: OpenOptions,
): Promise<Dataset> {
  return (await openFiles(card, root, options)).dataset;
}

/** As `openFileDataset`, with every file named. */
export async function openFiles(
  card: FileDatasetCard,
  root: string | undefined,
  { cacheDir }: OpenOptions,
): Promise<{ readonly dataset: Dataset; readonly files: readonly CheckedFile[] }> {
  const files = await checkFiles(card, root, { cacheDir });
  const { train, test, release } = await card.open(files);
  checkCounts(card, { train, test }, root ?? datasetDirectory(cacheDir, card.name));
  const dataset: Dataset = {
    name: card.name,
    classes: card.classes,
    shape: card.shape,
    partition: card.partition,
    train,
    test,
    digest: digestOf({ ...fileBasis(card, files), shape: card.shape }),
    async close() {
      release();
    },
  };
  return { dataset, files };
}

interface CheckedFile extends LocatedFile {
  /** Unpacked. */
  readonly sha256: Sha256;
}

/** Finds a card's files and compares them with their pins. @throws as `openFileDataset`. */
async function checkFiles(
  card: FileDatasetCard,
  root: string | undefined,
  { cacheDir }: OpenOptions,
): Promise<CheckedFile[]> {
  const cached = datasetDirectory(cacheDir, card.name);
  const located = await locateFiles(card, root ?? cached);
  const memory = await openDigestMemory(cached);
  const files: CheckedFile[] = [];
  for (const { file, path } of located) {
    files.push({ file, path, sha256: await checkedDigest(card, file, path, memory) });
  }
  await memory.save();
  return files;
}

/** What the digest of a set of fixed files covers beside the image size. */
export function fileBasis(
  { name, reader, partition }: Pick<FileDatasetCard, 'name' | 'reader' | 'partition'>,
  files: readonly CheckedFile[],
): Readonly<Record<string, unknown>> {
  return { name, reader, partition, digests: files.map(({ file, sha256 }) => [file.name, sha256]) };
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
