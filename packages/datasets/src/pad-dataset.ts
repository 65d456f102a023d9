import { digestOf, type Sha256 } from '@adctl/protocol';
import { type Dataset, type ImageShape, isSameShape, type Subset } from './dataset.js';
import { unsupportedImageSize } from './errors.js';

/**
 * Gives the images of a data set of fixed size centred on a larger black canvas; the same size returns the data set itself.
 * Nothing is scaled: scaling would change what a published protocol measures.
 *
 * @throws AdctlError user `unsupported_image_size` for another channel count or a smaller canvas.
 */
export function padDataset(dataset: Dataset, shape: ImageShape): Dataset {
  const own = dataset.shape;
  if (isSameShape(own, shape)) return dataset;
  const digest = paddedDigest(dataset, shape);
  const padded = (subset: Subset): Subset => ({
    count: subset.count,
    labels: subset.labels,
    read: async (indices) => padImages(await subset.read(indices), own, shape),
  });
  return {
    ...dataset,
    shape,
    train: padded(dataset.train),
    test: padded(dataset.test),
    digest,
  };
}

/**
 * The digest of a data set of fixed size on a larger canvas; the data set's own for its own size.
 * @throws AdctlError user `unsupported_image_size`.
 */
export function paddedDigest(
  { name, shape: own, digest }: Pick<Dataset, 'name' | 'shape' | 'digest'>,
  shape: ImageShape,
): Sha256 {
  if (isSameShape(own, shape)) return digest;
  if (shape.channels !== own.channels || shape.height < own.height || shape.width < own.width) {
    throw unsupportedImageSize(
      `${name} holds ${describe(own)} images; ${describe(shape)} was asked for`,
      `Leave the image size out, or ask for at least ${own.height} x ${own.width} with ${own.channels} channel(s).`,
    );
  }
  return digestOf({ padded: digest, shape, version: 1 });
}

/**
 * Centres images on a larger canvas of zeros; an odd margin leaves the extra row or column below or right.
 *
 * @param images uint8 `[count, from.height, from.width, channels]`.
 * @returns uint8 `[count, to.height, to.width, channels]`, a fresh buffer. Channels of both shapes must be equal.
 */
export function padImages(images: Uint8Array, from: ImageShape, to: ImageShape): Uint8Array {
  const rowBytes = from.width * from.channels;
  const count = images.length / (from.height * rowBytes);
  const result = new Uint8Array(count * to.height * to.width * to.channels);
  const top = Math.floor((to.height - from.height) / 2);
  const left = Math.floor((to.width - from.width) / 2);
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < from.height; row++) {
      const source = (image * from.height + row) * rowBytes;
      const target = ((image * to.height + top + row) * to.width + left) * to.channels;
      result.set(images.subarray(source, source + rowBytes), target);
    }
  }
  return result;
}

function describe({ height, width, channels }: ImageShape): string {
  return `${height} x ${width} x ${channels}`;
}
