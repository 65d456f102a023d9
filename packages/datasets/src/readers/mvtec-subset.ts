import { join } from 'node:path';
import type { ImageShape, Subset } from '../dataset.js';
import { badMask, unsupportedImage } from '../errors.js';
import { decodeImage, decodeMask, type ImageHeader, readHeader } from './decode-image.js';
import { assertChannels, labelsOf, readInto, type VerifyFile } from './folder-subset.js';
import type { MvtecImage, MvtecListing } from './mvtec-folder.js';

/**
 * Opens the two parts of a set in the MVTec AD layout; images and masks are decoded when read, resized without keeping the aspect
 * ratio. Within a category every image must have the size and channels of the first one, 8 bits a channel and no CMYK: maps and
 * masks are compared pixel by pixel, and an image that came another way would be judged by its resampling.
 *
 * @param verify called with each image and mask that was read.
 * @throws AdctlError user `unsupported_image_size`; a later `read` throws `corrupt_image` and `unsupported_image`, `readMasks`
 *   `bad_mask` for a mask of another size than its image and one that marks no pixel.
 */
export function openMvtecSubsets(
  listing: MvtecListing,
  shape: ImageShape,
  verify: VerifyFile,
): { readonly train: Subset; readonly test: Subset } {
  assertChannels(shape);
  const { root, classes, defects } = listing;
  const patterns = createPatterns(listing);
  const defectIndices = new Map(defects.map((name, index) => [name, index]));
  const open = (images: readonly MvtecImage[]): Subset => ({
    count: images.length,
    labels: labelsOf(images, classes),
    defects: Uint16Array.from(images, ({ defect }) => defectIndices.get(defect) ?? -1),
    read: (indices) =>
      readInto(indices, images, shape.height * shape.width * shape.channels, async ({ path, className }) => {
        const file = join(root, path);
        const pattern = await patterns(className);
        const pixels = await decodeImage(file, shape, { check: (header) => assertAlike(file, header, pattern) });
        await verify(file);
        return pixels;
      }),
    readMasks: (indices) =>
      readInto(indices, images, shape.height * shape.width, async ({ maskPath, className, path }) => {
        if (maskPath === undefined) return new Uint8Array(shape.height * shape.width);
        const file = join(root, maskPath);
        const mask = await readMask(file, path, (await patterns(className)).header, shape);
        await verify(file);
        return mask;
      }),
  });
  return { train: open(listing.train), test: open(listing.test) };
}

/** What every image of a category must look like: its first training image. */
interface Pattern {
  readonly path: string;
  readonly header: ImageHeader;
}

/** Reads the header of a category's first training image once. */
function createPatterns({ root, train }: MvtecListing): (className: string) => Promise<Pattern> {
  const known = new Map<string, Promise<Pattern>>();
  const read = async (className: string): Promise<Pattern> => {
    const first = train.find((image) => image.className === className);
    if (first === undefined) throw new RangeError(`category ${className} has no training image`);
    return { path: first.path, header: await readHeader(join(root, first.path)) };
  };
  return (className) => {
    const pattern = known.get(className) ?? read(className);
    known.set(className, pattern);
    pattern.catch(() => known.delete(className)); // what failed is read again
    return pattern;
  };
}

function assertAlike(path: string, header: ImageHeader, pattern: Pattern): void {
  if (header.space === 'cmyk') {
    throw unsupportedImage(
      path,
      'is a CMYK image',
      'Convert it to grey or RGB; how inks become light is for you to say.',
    );
  }
  if (header.depth !== 'uchar') {
    throw unsupportedImage(
      path,
      `has more than 8 bits a channel (${header.depth})`,
      'Convert the images to 8 bits; which range of values matters is for you to say.',
    );
  }
  if (sizeOf(header) === sizeOf(pattern.header)) return;
  throw unsupportedImage(
    path,
    `is ${sizeOf(header)}, but ${pattern.path} of the same category is ${sizeOf(pattern.header)}`,
    'Bring all images of a category to one size and number of channels.',
  );
}

const sizeOf = ({ height, width, channels }: ImageHeader) =>
  `${height} x ${width} with ${channels} channel${channels === 1 ? '' : 's'}`;

/** A mask at the working size, by the nearest pixel. */
async function readMask(path: string, imagePath: string, image: ImageHeader, shape: ImageShape): Promise<Uint8Array> {
  const mask = await decodeMask(path);
  if (mask.height !== image.height || mask.width !== image.width) {
    throw badMask(
      path,
      `is ${mask.height} x ${mask.width}, but its image ${imagePath} is ${image.height} x ${image.width}`,
    );
  }
  if (!mask.pixels.includes(255)) throw badMask(path, `marks no pixel, but its image ${imagePath} counts as defective`);
  return nearest(mask.pixels, mask, shape);
}

/** Takes the source pixel under each target pixel's centre. */
export function nearest(
  pixels: Uint8Array,
  from: { readonly height: number; readonly width: number },
  to: { readonly height: number; readonly width: number },
): Uint8Array {
  const result = new Uint8Array(to.height * to.width);
  for (let row = 0; row < to.height; row++) {
    const sourceRow = Math.floor(((row + 0.5) * from.height) / to.height);
    for (let column = 0; column < to.width; column++) {
      const sourceColumn = Math.floor(((column + 0.5) * from.width) / to.width);
      result[row * to.width + column] = pixels[sourceRow * from.width + sourceColumn]!;
    }
  }
  return result;
}
