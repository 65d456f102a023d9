import { readFile } from 'node:fs/promises';
import type { Metadata } from 'sharp';
import type { ImageShape } from '../dataset.js';
import { corruptImage } from '../errors.js';
import { cropByArea } from './crop-by-area.js';

/**
 * How an image comes to the asked-for size.
 * - `fill`: exactly height x width with Lanczos; the aspect ratio is not kept.
 * - `crop`: the longer side is cut at both ends, then every pixel is the mean of the area it covers.
 */
export type Resizing = 'fill' | 'crop';

/** What a file says of itself before its pixels are decoded. */
export interface ImageHeader {
  /** Pixels as stored, before EXIF turns them. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Bits of one value, as the decoder counts them. */
  readonly depth: Metadata['depth'];
  readonly space: Metadata['space'];
}

/** Reads a file's header. @throws AdctlError user `corrupt_image` naming file and reason. */
export async function readHeader(path: string): Promise<ImageHeader> {
  return namingFile(path, async () => headerOf(await readFile(path)));
}

/**
 * Decodes one file: turned upright by its EXIF orientation, laid on black where transparent (1 and 3 channels), brought to 8
 * bits and to grey (1), sRGB (3) or sRGB with alpha (4), and resized.
 *
 * @param check looks at the header first and throws when the file will not do.
 * @returns uint8 `[height, width, channels]`.
 * @throws AdctlError user `corrupt_image` naming file and reason; what `check` throws.
 */
export async function decodeImage(
  path: string,
  shape: ImageShape,
  options: { readonly resizing?: Resizing; readonly check?: (header: ImageHeader) => void } = {},
): Promise<Uint8Array> {
  // Read by us, because the decoder's own file cache would not notice a file that was mended.
  const content = await namingFile(path, () => readFile(path));
  if (options.check !== undefined) options.check(await namingFile(path, () => headerOf(content)));
  return namingFile(path, async () => {
    const { default: sharp } = await import('sharp'); // here, so that reading a card does not load a native library
    const decoder = sharp(content, { failOn: 'error' }).autoOrient();
    const flat = shape.channels === 4 ? decoder.ensureAlpha() : decoder.flatten({ background: '#000000' });
    const coloured = flat.toColourspace(shape.channels === 1 ? 'b-w' : 'srgb');
    const sized =
      options.resizing === 'crop'
        ? coloured
        : coloured.resize(shape.width, shape.height, { fit: 'fill', kernel: 'lanczos3' });
    const { data, info } = await sized.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels !== shape.channels) {
      throw new Error(`decoded to ${info.channels} channels instead of ${shape.channels}`);
    }
    return options.resizing === 'crop' ? cropByArea(data, info, shape) : data;
  });
}

/** Decodes a mask at its own size. @returns uint8 `[height, width]`, not 0 where any channel is not. */
export async function decodeMask(path: string): Promise<{ readonly pixels: Uint8Array } & ImageHeader> {
  return namingFile(path, async () => {
    const { default: sharp } = await import('sharp');
    const content = await readFile(path);
    const decoder = sharp(content, { failOn: 'error' }).autoOrient().flatten({ background: '#000000' });
    const { data, info } = await decoder
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const pixels = new Uint8Array(info.width * info.height);
    for (let at = 0; at < data.length; at++) {
      if (data[at] !== 0) pixels[Math.floor(at / info.channels)] = 255;
    }
    return { ...(await headerOf(content)), height: info.height, width: info.width, pixels };
  });
}

async function headerOf(content: Uint8Array): Promise<ImageHeader> {
  const { default: sharp } = await import('sharp');
  const { height, width, channels, depth, space } = await sharp(content, { failOn: 'error' }).metadata();
  return { height, width, channels, depth, space };
}

async function namingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw corruptImage(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}
