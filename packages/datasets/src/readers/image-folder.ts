import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import type { ImageShape, Subset } from '../dataset.js';
import { badFolder, corruptImage, unsafePath, unsupportedImageSize } from '../errors.js';
import { checkPosition } from './gather.js';

/** What the bundled decoder reads, by file name; other files in a class folder are left alone. */
export const IMAGE_EXTENSIONS: readonly string[] = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.gif', '.avif'];

/** Files decoded at once; the decoder has its own threads. */
const PARALLEL_READS = 8;

export interface FolderImage {
  /** Path below the root, with `/`. */
  readonly path: string;
  /** Name of the class folder. */
  readonly className: string;
}

export interface FolderListing {
  /** The root with links resolved. */
  readonly root: string;
  readonly classes: readonly string[];
  /** `whole` when the folder has no parts of its own. In code-unit order of the path, class by class. */
  readonly parts: { readonly whole: FolderImage[] } | { readonly train: FolderImage[]; readonly test: FolderImage[] };
}

/**
 * Lists the images of a folder: `<class>/*.png`, or `train/<class>/…` with `test/<class>/…`. Hidden names and files that are no
 * images are left out; everything is in code-unit order, so every machine lists the same.
 *
 * @throws AdctlError user `bad_image_folder` for a missing root, one part without the other, no classes or an empty class;
 *   `unsafe_path` for a link that leads out of the root.
 */
export async function listImageFolder(givenRoot: string): Promise<FolderListing> {
  const root = await resolveRoot(givenRoot);
  const names = await namesIn(root, root, 'directory');
  const hasTrain = names.includes('train');
  const hasTest = names.includes('test');
  if (hasTrain !== hasTest) {
    const [there, lacking] = hasTrain ? ['train', 'test'] : ['test', 'train'];
    throw badFolder(root, `has ${there}/ but no ${lacking}/`);
  }
  if (!hasTrain) {
    const whole = await imagesByClass(root, '', names);
    if (names.length === 0) throw badFolder(root, 'holds no class folders');
    return { root, classes: names, parts: { whole } };
  }
  const trainClasses = await namesIn(root, join(root, 'train'), 'directory');
  const testClasses = await namesIn(root, join(root, 'test'), 'directory');
  if (trainClasses.length === 0) throw badFolder(root, 'train/ holds no class folders');
  const train = await imagesByClass(root, 'train/', trainClasses);
  const test = await imagesByClass(root, 'test/', testClasses);
  return { root, classes: inOrder(new Set([...trainClasses, ...testClasses])), parts: { train, test } };
}

/**
 * A part of an image folder whose files are decoded when read.
 *
 * Each image is turned upright by its EXIF orientation, laid on black where transparent (1 and 3 channels), brought to 8 bits
 * and to grey (1), sRGB (3) or sRGB with alpha (4), and resized to exactly height x width with Lanczos; the aspect ratio is not
 * kept.
 *
 * @throws AdctlError user `unsupported_image_size` for another channel count.
 */
export function openImageFolderSubset(options: {
  readonly root: string;
  readonly images: readonly FolderImage[];
  readonly classes: readonly string[];
  readonly shape: ImageShape;
}): Subset {
  const { root, images, classes, shape } = options;
  if (![1, 3, 4].includes(shape.channels)) {
    throw unsupportedImageSize(
      `image folders cannot be read with ${shape.channels} channels`,
      'Ask for 1 (grey), 3 (RGB) or 4 (RGBA) channels.',
    );
  }
  const imageBytes = shape.height * shape.width * shape.channels;
  const classIndices = new Map(classes.map((name, index) => [name, index]));
  return {
    count: images.length,
    labels: Uint16Array.from(images, ({ className }) => classIndices.get(className) ?? -1),
    async read(indices) {
      for (const index of indices) checkPosition(index, images.length);
      const result = new Uint8Array(indices.length * imageBytes);
      for (let start = 0; start < indices.length; start += PARALLEL_READS) {
        const few = Array.from(indices.subarray(start, start + PARALLEL_READS));
        const decoded = await Promise.all(few.map((index) => decodeImage(join(root, images[index]!.path), shape)));
        decoded.forEach((image, position) => {
          result.set(image, (start + position) * imageBytes);
        });
      }
      return result;
    },
  };
}

/** Decodes one file. @returns uint8 `[height, width, channels]`. @throws AdctlError user `corrupt_image` naming file and reason. */
export async function decodeImage(path: string, shape: ImageShape): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp'); // here, so that reading a card does not load a native library
  try {
    // Read by us, because the decoder's own file cache would not notice a file that was mended.
    const decoder = sharp(await readFile(path), { failOn: 'error' }).autoOrient();
    const flat = shape.channels === 4 ? decoder.ensureAlpha() : decoder.flatten({ background: '#000000' });
    const { data, info } = await flat
      .toColourspace(shape.channels === 1 ? 'b-w' : 'srgb')
      .resize(shape.width, shape.height, { fit: 'fill', kernel: 'lanczos3' })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== shape.channels) {
      throw new Error(`decoded to ${info.channels} channels instead of ${shape.channels}`);
    }
    return data;
  } catch (cause) {
    throw corruptImage(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function resolveRoot(givenRoot: string): Promise<string> {
  const root = await realpath(givenRoot).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw badFolder(givenRoot, 'does not exist');
    throw error;
  });
  if (!(await stat(root)).isDirectory()) throw badFolder(root, 'is not a folder');
  return root;
}

async function imagesByClass(root: string, prefix: string, classes: readonly string[]): Promise<FolderImage[]> {
  const images: FolderImage[] = [];
  for (const className of classes) {
    const folder = join(root, prefix, className);
    const files = (await namesIn(root, folder, 'file')).filter((name) =>
      IMAGE_EXTENSIONS.includes(extname(name).toLowerCase()),
    );
    if (files.length === 0) {
      throw badFolder(root, `class folder ${prefix}${className}/ holds no images (${IMAGE_EXTENSIONS.join(' ')})`);
    }
    for (const name of files) images.push({ path: `${prefix}${className}/${name}`, className });
  }
  return images;
}

/** Names of the folders or files directly in a folder, links followed as long as they stay below the root. */
async function namesIn(root: string, folder: string, kind: 'file' | 'directory'): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const facts = entry.isSymbolicLink() ? await followLink(root, path) : entry;
    if (kind === 'file' ? facts.isFile() : facts.isDirectory()) names.push(entry.name);
  }
  return inOrder(names);
}

async function followLink(root: string, path: string) {
  const target = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw badFolder(root, `${relative(root, path)} is a link to nothing`);
    throw error;
  });
  if (!target.startsWith(root.endsWith(sep) ? root : root + sep)) throw unsafePath(path, root);
  return stat(target);
}

function inOrder(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
