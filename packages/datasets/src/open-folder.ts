import { join } from 'node:path';
import { digestOf, sha256 } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import { datasetDirectory, openDigestMemory } from './cache.js';
import type { Dataset, ImageShape, Partition } from './dataset.js';
import type { FolderDatasetCard } from './dataset-card.js';
import { badFolder } from './errors.js';
import { checkCategories } from './readers/check-categories.js';
import { listCoilFolder } from './readers/coil-folder.js';
import { openImageFolderSubset } from './readers/folder-subset.js';
import { type FolderImage, type FolderListing, listImageFolder } from './readers/image-folder.js';
import { listMvtecFolder } from './readers/mvtec-folder.js';
import { openMvtecSubsets } from './readers/mvtec-subset.js';

/** Raised whenever the same files would give other pixels or another order. */
const READERS = { 'class-folders': 'image-folder/1', 'coil-100': 'coil-folder/1', mvtec: 'mvtec-folder/1' } as const;
const PARTITION_SEED = 0;
const TEST_SHARE = 0.2;
/** Files hashed at once. */
const PARALLEL_DIGESTS = 8;

/**
 * Opens a folder of images. Its digest covers the path and content of every image and mask, the image size and the partition;
 * contents are hashed the first time and remembered in the cache, so nothing is written to the user's folder. No pixel is decoded
 * here.
 *
 * @throws AdctlError user `bad_image_folder`, `unsafe_path`, `unsupported_image_size`.
 */
export async function openFolderDataset(
  card: FolderDatasetCard,
  options: { readonly root: string | undefined; readonly shape?: ImageShape | undefined; readonly cacheDir: string },
): Promise<Dataset> {
  const { root, shape = card.defaultShape, cacheDir } = options;
  if (root === undefined) throw badFolder(`data set ${card.name}`, 'no root given');
  return card.layout === 'mvtec'
    ? openMvtec(card, { root, shape, cacheDir })
    : openClasses(card, card.layout, { root, shape, cacheDir });
}

interface OpenedFrom {
  readonly root: string;
  readonly shape: ImageShape;
  readonly cacheDir: string;
}

async function openMvtec(card: FolderDatasetCard, { root, shape, cacheDir }: OpenedFrom): Promise<Dataset> {
  const listing = await listMvtecFolder(root);
  const { train, test, classes, defects } = listing;
  const { title, categories } = card;
  const unexpected = categories === undefined ? [] : checkCategories(listing, { title, categories });
  const broken = new Map([...unexpected, ...listing.broken]);
  const paths = [...train, ...test].flatMap(({ path, maskPath }) =>
    maskPath === undefined ? [path] : [path, maskPath],
  );
  return {
    name: card.name,
    classes,
    shape,
    partition: { name: 'official' },
    ...openMvtecSubsets(listing, shape),
    defects,
    broken,
    digest: digestOf({
      reader: READERS.mvtec,
      shape,
      categories: classes,
      contents: await contentsOf(listing.root, paths, cacheDir),
    }),
    close: async () => undefined,
  };
}

async function openClasses(
  card: FolderDatasetCard,
  layout: 'class-folders' | 'coil-100',
  { root, shape, cacheDir }: OpenedFrom,
): Promise<Dataset> {
  const listing = await (layout === 'coil-100' ? listCoilFolder(root) : listImageFolder(root));
  const { partition, train, test } = partitionImages(listing);
  const { resizing } = card;
  const open = (images: readonly FolderImage[]) =>
    openImageFolderSubset({ root: listing.root, images, classes: listing.classes, shape, resizing });
  const parts = { train: open(train), test: open(test) };
  const contents = (images: readonly FolderImage[]) =>
    contentsOf(
      listing.root,
      images.map(({ path }) => path),
      cacheDir,
    );
  return {
    name: card.name,
    classes: listing.classes,
    shape,
    partition,
    ...parts,
    digest: digestOf({
      reader: READERS[layout],
      shape,
      partition,
      train: await contents(train),
      test: await contents(test),
      ...(resizing === 'fill' ? {} : { resizing }),
    }),
    close: async () => undefined,
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

/** `[path, sha256]` of every file, remembered per root. */
async function contentsOf(root: string, paths: readonly string[], cacheDir: string): Promise<[string, string][]> {
  const memory = await openDigestMemory(join(datasetDirectory(cacheDir, 'folder'), sha256(root).slice(0, 16)));
  const contents: [string, string][] = [];
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
