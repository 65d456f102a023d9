import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { digestOf, type Sha256, SharedDataset, SharedManifest, sha256 } from '@adctl/protocol';
import { type Dataset, type ImageShape, isSameShape } from './dataset.js';
import type { DatasetCard, FileDatasetCard, FolderDatasetCard } from './dataset-card.js';
import { badFolder, corruptDataset } from './errors.js';
import { fileBasis, openFiles } from './open-dataset.js';
import { FOLDER_READERS, folderDigest, openFolder } from './open-folder.js';
import { paddedDigest } from './pad-dataset.js';
import { assertChannels } from './readers/folder-subset.js';

/** A data set on this machine, ready to be put into an object store. */
export interface PackedDataset {
  readonly facts: SharedDataset;
  readonly manifest: SharedManifest;
  /**
   * A file's content.
   * @throws AdctlError user `corrupt_dataset` when it has changed meanwhile.
   */
  read(file: SharedManifest['files'][number]): Promise<Uint8Array>;
}

/**
 * Looks at a data set that is to be shared: in the cache, or in the folder `root`.
 * @throws AdctlError user as `openDataset`; the reason of a category that cannot be used.
 */
export async function packDataset(
  card: DatasetCard,
  { root, cacheDir }: { readonly root: string | undefined; readonly cacheDir: string },
): Promise<PackedDataset> {
  return card.kind === 'files' ? packFiles(card, root, cacheDir) : packFolder(card, root, cacheDir);
}

async function packFiles(card: FileDatasetCard, root: string | undefined, cacheDir: string): Promise<PackedDataset> {
  const { dataset, files } = await openFiles(card, root, { cacheDir });
  await dataset.close();
  const paths = new Map(files.map(({ file, path }) => [file.name, path]));
  return pack(card, dataset, {
    files: files.map(({ file: { name, bytes }, sha256 }) => ({ path: name, bytes, sha256 })),
    basis: fileBasis(card, files),
    pathOf: (name) => paths.get(name) ?? name,
  });
}

async function packFolder(card: FolderDatasetCard, root: string | undefined, cacheDir: string): Promise<PackedDataset> {
  const opened = await openFolder(card, { root, cacheDir });
  for (const reason of opened.dataset.broken?.values() ?? []) throw reason;
  const [first] = opened.dataset.classes;
  if (card.layout === 'mvtec' && !opened.contents.some(([path]) => path.startsWith(`${first}/`))) {
    // Elsewhere the folder has another name, and so would the category.
    throw badFolder(opened.root, 'is a category itself: share the folder that holds it');
  }
  const files: SharedManifest['files'] = [];
  for (const [path, content] of opened.contents) {
    files.push({ path, bytes: (await stat(join(opened.root, path))).size, sha256: content });
  }
  return pack(card, opened.dataset, { files, basis: opened.basis, pathOf: (path) => join(opened.root, path) });
}

function pack(
  card: DatasetCard,
  dataset: Dataset,
  parts: Omit<SharedManifest, 'version'> & { readonly pathOf: (path: string) => string },
): PackedDataset {
  const { files, basis, pathOf } = parts;
  const manifest = SharedManifest.parse({ version: 1, files, basis });
  const facts = SharedDataset.parse({
    version: 1,
    name: card.name,
    kind: card.kind,
    digest: dataset.digest,
    reader: readerOf(card),
    classes: dataset.classes,
    ...(dataset.defects === undefined ? {} : { defects: dataset.defects }),
    shape: dataset.shape,
    counts: { train: dataset.train.count, test: dataset.test.count },
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    manifest: digestOf(manifest),
  });
  return {
    facts,
    manifest,
    async read({ path, sha256: expected }) {
      const content = await readUnpacked(pathOf(path));
      const found = sha256(content);
      if (found !== expected) throw corruptDataset(path, 'has changed while it was shared', { expected, found });
      return content;
    },
  };
}

/** Which reader a card's images go through here; a set shared for another one is another data set. */
export function readerOf(card: DatasetCard): string {
  return card.kind === 'files' ? card.reader : FOLDER_READERS[card.layout];
}

/**
 * The digest that a shared data set has at an image size.
 * @param basis of its manifest; asked for only where folders are read at another size than `facts.shape`.
 * @throws AdctlError user `unsupported_image_size`; what `basis` throws.
 */
export async function digestAt(
  facts: SharedDataset,
  shape: ImageShape,
  basis: () => Promise<SharedManifest['basis']>,
): Promise<Sha256> {
  if (facts.kind === 'files') return paddedDigest(facts, shape);
  assertChannels(shape);
  return isSameShape(facts.shape, shape) ? facts.digest : folderDigest(await basis(), shape);
}

async function readUnpacked(path: string): Promise<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  return await buffer(path.endsWith('.gz') ? stream.pipe(createGunzip()) : stream);
}
