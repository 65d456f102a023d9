import { join } from 'node:path';
import { digestOf, type Sha256, sha256 } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import { type DigestMemory, datasetDirectory, openDigestMemory } from './cache.js';
import type { Dataset, ImageShape, Partition } from './dataset.js';
import type { FolderDatasetCard } from './dataset-card.js';
import { badFolder, datasetFileChanged } from './errors.js';
import { checkCategories } from './readers/check-categories.js';
import { listCoilFolder } from './readers/coil-folder.js';
import { openImageFolderSubset, type VerifyFile } from './readers/folder-subset.js';
import { type FolderImage, type FolderListing, listImageFolder } from './readers/image-folder.js';
import { listMvtecFolder } from './readers/mvtec-folder.js';
import { openMvtecSubsets } from './readers/mvtec-subset.js';

/** Raised whenever the same files would give other pixels or another order. */
export const FOLDER_READERS = {
  'class-folders': 'image-folder/1',
  'coil-100': 'coil-folder/1',
  mvtec: 'mvtec-folder/1',
} as const;
const PARTITION_SEED = 0;
const TEST_SHARE = 0.2;
/** Files hashed at once. */
const PARALLEL_DIGESTS = 8;

/** A folder of images, with what its digest is made of. */
export interface OpenedFolder {
  readonly dataset: Dataset;
  /** What the digest covers beside the image size. */
  readonly basis: Readonly<Record<string, unknown>>;
  /** With links resolved. */
  readonly root: string;
  /** Every image and mask by its path below the root, with the digest of its content. */
  readonly contents: readonly Content[];
}

type Content = [path: string, sha256: Sha256];

interface FolderOptions {
  readonly root: string | undefined;
  readonly shape?: ImageShape | undefined;
  readonly cacheDir: string;
}

/**
 * Opens a folder of images. Its digest covers the path and content of every image and mask, the image size and the partition;
 * contents are hashed the first time and remembered in the cache, so nothing is written to the user's folder. No pixel is decoded
 * here.
 *
 * @throws AdctlError user `bad_image_folder`, `unsafe_path`, `unsupported_image_size`.
 */
export async function openFolderDataset(card: FolderDatasetCard, options: FolderOptions): Promise<Dataset> {
  return (await openFolder(card, options)).dataset;
}

/** As `openFolderDataset`, with every file named. */
export async function openFolder(card: FolderDatasetCard, options: FolderOptions): Promise<OpenedFolder> {
  const { root, shape = card.defaultShape, cacheDir } = options;
  if (root === undefined) throw badFolder(`data set ${card.name}`, 'no root given');
  return card.layout === 'mvtec'
    ? openMvtec(card, { root, shape, cacheDir })
    : openClasses(card, card.layout, { root, shape, cacheDir });
}

/** The digest of an opened folder's images at a size. */
export function folderDigest(basis: OpenedFolder['basis'], shape: ImageShape): Sha256 {
  return digestOf({ ...basis, shape });
}

interface OpenedFrom {
  readonly root: string;
  readonly shape: ImageShape;
  readonly cacheDir: string;
}

async function openMvtec(card: FolderDatasetCard, { root, shape, cacheDir }: OpenedFrom): Promise<OpenedFolder> {
  const listing = await listMvtecFolder(root);
  const { train, test, classes, defects } = listing;
  const { title, categories } = card;
  const unexpected = categories === undefined ? [] : checkCategories(listing, { title, categories });
  const broken = new Map([...unexpected, ...listing.broken]);
  const paths = [...train, ...test].flatMap(({ path, maskPath }) =>
    maskPath === undefined ? [path] : [path, maskPath],
  );
  const memory = await openMemory(listing.root, cacheDir);
  const contents = await contentsOf(listing.root, paths, memory);
  const basis = { reader: FOLDER_READERS.mvtec, categories: classes, contents };
  return {
    dataset: {
      name: card.name,
      classes,
      shape,
      partition: { name: 'official' },
      ...openMvtecSubsets(listing, shape, verifyWith(memory)),
      defects,
      broken,
      digest: folderDigest(basis, shape),
      close: async () => undefined,
    },
    basis,
    root: listing.root,
    contents,
  };
}

async function openClasses(
  card: FolderDatasetCard,
  layout: 'class-folders' | 'coil-100',
  { root, shape, cacheDir }: OpenedFrom,
): Promise<OpenedFolder> {
  const listing = await (layout === 'coil-100' ? listCoilFolder(root) : listImageFolder(root));
  const { partition, train, test } = partitionImages(listing);
  const { resizing } = card;
  const memory = await openMemory(listing.root, cacheDir);
  const verify = verifyWith(memory);
  const open = (images: readonly FolderImage[]) =>
    openImageFolderSubset({ root: listing.root, images, classes: listing.classes, shape, resizing, verify });
  const parts = { train: open(train), test: open(test) };
  const contents = (images: readonly FolderImage[]) =>
    contentsOf(
      listing.root,
      images.map(({ path }) => path),
      memory,
    );
  const basis = {
    reader: FOLDER_READERS[layout],
    partition,
    train: await contents(train),
    test: await contents(test),
    ...(resizing === 'fill' ? {} : { resizing }),
  };
  return {
    dataset: {
      name: card.name,
      classes: listing.classes,
      shape,
      partition,
      ...parts,
      digest: folderDigest(basis, shape),
      close: async () => undefined,
    },
    basis,
    root: listing.root,
    contents: [...basis.train, ...basis.test],
  };
}

/**
 * The folder's own parts, or of each class `max(1, round(0.2 * images))` test images drawn with a fixed seed; a class of one
 * image trains.
 */
export function partitionImages(listing: Pick<FolderListing, 'classes' | 'parts'>): {
  readonly partition: Partition;
  readonly train: FolderImage[];
  readonly test: FolderImage[];
} {
  if (!('whole' in listing.parts)) return { partition: { name: 'official' }, ...listing.parts };
  const train: FolderImage[] = [];
  const test: FolderImage[] = [];
  for (const className of listing.classes) {
    const images = listing.parts.whole.filter((image) => image.className === className);
    const order = createGenerator(PARTITION_SEED, 'seeded-80-20', className).permutation(images.length);
    const testCount = images.length === 1 ? 0 : Math.max(1, Math.round(TEST_SHARE * images.length));
    const tests = new Set(order.subarray(0, testCount));
    images.forEach((image, position) => {
      (tests.has(position) ? test : train).push(image);
    });
  }
  return { partition: { name: 'seeded-80-20', seed: PARTITION_SEED }, train, test };
}

/** Digests are remembered per root. */
function openMemory(root: string, cacheDir: string): Promise<DigestMemory> {
  return openDigestMemory(join(datasetDirectory(cacheDir, 'folder'), sha256(root).slice(0, 16)));
}

/** An open data set stands for the files that its digest covers: pixels of any other file are refused. */
function verifyWith(memory: DigestMemory): VerifyFile {
  return async (file) => {
    if (!(await memory.isUnchanged(file))) throw datasetFileChanged(file);
  };
}

/** `[path, sha256]` of every file. */
async function contentsOf(root: string, paths: readonly string[], memory: DigestMemory): Promise<Content[]> {
  const contents: Content[] = [];
  for (let start = 0; start < paths.length; start += PARALLEL_DIGESTS) {
    const few = paths.slice(start, start + PARALLEL_DIGESTS);
    const digests = await Promise.all(few.map((path) => memory.digest(join(root, path))));
    few.forEach((path, position) => {
      contents.push([path, digests[position]!.content]);
    });
  }
  await memory.save();
  return contents;
}
