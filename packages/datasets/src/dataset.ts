import type { AdctlError, Sha256 } from '@adctl/protocol';

/** Size of the images as `Subset.read` gives them. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export function isSameShape(a: ImageShape, b: ImageShape): boolean {
  return a.height === b.height && a.width === b.width && a.channels === b.channels;
}

/** One part of a data set. Images are read on demand; labels are small and held. */
export interface Subset {
  readonly count: number;
  /** Index into `Dataset.classes`, one an image. */
  readonly labels: Uint16Array;
  /**
   * Reads images in the order asked for.
   * @param indices positions in this subset.
   * @returns uint8 `[indices.length, height, width, channels]`, 0..255, a fresh buffer the caller owns.
   * @throws AdctlError user `corrupt_image` or `corrupt_dataset`, naming the file and what is wrong; `dataset_changed` for a file of a
   *   folder that is not the one whose digest was taken when the data set was opened.
   */
  read(indices: Int32Array): Promise<Uint8Array>;
  /** Which defect each image shows: index into `Dataset.defects`, 0 for a good image. Absent where the set tells no defects. */
  readonly defects?: Uint16Array;
  /**
   * Reads which pixels are defective, in the order asked for; present where `defects` is.
   * @returns uint8 `[indices.length, height, width]`, 255 where defective, else 0; all 0 for a good image. Brought to the data
   *   set's image size by the nearest pixel, so a defect thinner than a pixel there may vanish.
   * @throws AdctlError user `bad_mask`, `corrupt_image`, naming the file.
   */
  readMasks?(indices: Int32Array): Promise<Uint8Array>;
}

/** Who decided which images are `train` and which are `test`. Only `official` may be compared with published figures. */
export interface Partition {
  /**
   * - `official`: the authors of the data set, or the user's own `train/` and `test/` folders.
   * - `seeded-80-20`: adctl, each class by itself, because the folder has no parts of its own.
   * - `resplit-6000-1000`: adctl, each class by itself, because the source lost the official split.
   */
  readonly name: 'official' | 'seeded-80-20' | 'resplit-6000-1000';
  /** What adctl drew the parts with; absent for `official`. */
  readonly seed?: number;
}

/** An opened data set. */
export interface Dataset {
  readonly name: string;
  readonly classes: readonly string[];
  readonly shape: ImageShape;
  readonly partition: Partition;
  readonly train: Subset;
  readonly test: Subset;
  /** Kinds of defect over all classes, `good` first; present for sets whose images show defects of one thing each. */
  readonly defects?: readonly string[];
  /** Classes that cannot be used, with the reason; they hold no images here, and `planSplits` throws the reason. */
  readonly broken?: ReadonlyMap<string, AdctlError>;
  /** sha256 over everything that decides the pixels and labels: source digests, reader version, image size, partition. */
  readonly digest: Sha256;
  /** Lets go of held pixels; a later `read` loads them again. */
  close(): Promise<void>;
}
