import type { Sha256 } from '@adctl/protocol';

/** Size of the images as stored. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** One official part of a data set. Images are read on demand; labels are small and held. */
export interface Subset {
  readonly count: number;
  /** Index into `Dataset.classes`, one an image. */
  readonly labels: Uint16Array;
  /**
   * Reads images in the order asked for.
   * @param indices positions in this subset.
   * @returns uint8 `[indices.length, height, width, channels]`, 0..255, a fresh buffer the caller owns.
   * @throws AdctlError user `corrupt_image`, naming the file and what is wrong.
   */
  read(indices: Int32Array): Promise<Uint8Array>;
}

/** An opened data set. */
export interface Dataset {
  readonly name: string;
  readonly classes: readonly string[];
  readonly shape: ImageShape;
  readonly train: Subset;
  readonly test: Subset;
  /** sha256 over everything that decides the pixels and labels: source digests, reader version, image size. */
  readonly digest: Sha256;
  close(): Promise<void>;
}
