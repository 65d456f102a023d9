import { digestOf } from '@adctl/protocol';
import { datasetDirectory, openDigestMemory } from './cache.js';
import type { Dataset, ImageShape, Subset } from './dataset.js';
import type { FileDatasetCard } from './dataset-card.js';
import { corruptDataset } from './errors.js';
import { checkedDigest, locateFiles } from './locate-files.js';
import { openFolderDataset } from './open-folder.js';
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
  if (card.kind === 'folder') {
    return openFolderDataset(card, { root: request.root, shape: request.input, cacheDir: options.cacheDir });
  }
  const dataset = await openFileDataset(card, request.root, options);
  return request.input === undefined ? dataset : padDataset(dataset, request.input);
}

/** `openDataset` for a card in hand. Its folder is `root`, else the card's place in the cache. */
export async function openFileDataset(
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
  checkCounts(card, { train, test }, root ?? cached);
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
