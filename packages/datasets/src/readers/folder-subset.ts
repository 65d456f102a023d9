import { join } from 'node:path';
import type { ImageShape, Subset } from '../dataset.js';
import { unsupportedImageSize } from '../errors.js';
import { decodeImage, type Resizing } from './decode-image.js';
import { checkPosition } from './gather.js';
import type { FolderImage } from './image-folder.js';

/** Called once a file was read, so that no change before that goes unseen. @throws AdctlError user `dataset_changed` */
export type VerifyFile = (file: string) => Promise<void>;

/** Files decoded at once; the decoder has its own threads. */
const PARALLEL_READS = 8;

/**
 * A part of an image folder whose files are decoded when read, see `decodeImage`.
 * @param options.verify called with each file that was read; throws when it is not the one that the data set was opened with.
 * @throws AdctlError user `unsupported_image_size` for another channel count.
 */
export function openImageFolderSubset(options: {
  readonly root: string;
  readonly images: readonly FolderImage[];
  readonly classes: readonly string[];
  readonly shape: ImageShape;
  readonly resizing?: Resizing;
  readonly verify: VerifyFile;
}): Subset {
  const { root, images, shape, resizing = 'fill', verify } = options;
  assertChannels(shape);
  return {
    count: images.length,
    labels: labelsOf(images, options.classes),
    read: (indices) =>
      readInto(indices, images, shape.height * shape.width * shape.channels, async ({ path }) => {
        const file = join(root, path);
        const pixels = await decodeImage(file, shape, { resizing });
        await verify(file);
        return pixels;
      }),
  };
}

/** @throws AdctlError user `unsupported_image_size` unless images of this many channels can be decoded. */
export function assertChannels({ channels }: ImageShape): void {
  if ([1, 3, 4].includes(channels)) return;
  throw unsupportedImageSize(
    `image folders cannot be read with ${channels} channels`,
    'Ask for 1 (grey), 3 (RGB) or 4 (RGBA) channels.',
  );
}

/** Index of each image's class. */
export function labelsOf(images: readonly { readonly className: string }[], classes: readonly string[]): Uint16Array {
  const classIndices = new Map(classes.map((name, index) => [name, index]));
  return Uint16Array.from(images, ({ className }) => classIndices.get(className) ?? -1);
}

/** Reads a few at a time, in the order asked for, into one buffer of `bytes` an image. */
export async function readInto<T>(
  indices: Int32Array,
  images: readonly T[],
  bytes: number,
  read: (image: T) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  for (const index of indices) checkPosition(index, images.length);
  const result = new Uint8Array(indices.length * bytes);
  for (let start = 0; start < indices.length; start += PARALLEL_READS) {
    const few = Array.from(indices.subarray(start, start + PARALLEL_READS));
    const decoded = await Promise.all(few.map((index) => read(images[index]!)));
    decoded.forEach((image, position) => {
      result.set(image, (start + position) * bytes);
    });
  }
  return result;
}
