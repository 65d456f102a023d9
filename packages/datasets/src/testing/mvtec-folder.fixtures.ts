import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** A flat grey PNG. */
export function greyPng(
  level: number,
  size: { readonly width: number; readonly height: number } = SIDE,
): Promise<Buffer> {
  const pixels = Buffer.alloc(size.width * size.height, level);
  return sharp(pixels, { raw: { ...size, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** A mask with one white pixel at the top left, or none. */
export function maskPng(
  marked: boolean,
  size: { readonly width: number; readonly height: number } = SIDE,
): Promise<Buffer> {
  const pixels = Buffer.alloc(size.width * size.height);
  if (marked) pixels[0] = 255;
  return sharp(pixels, { raw: { ...size, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

const SIDE = { width: 8, height: 8 };

/** Files of one good category by their path below it: 12 training images, 2 good and 2 defective test images with masks. */
export async function categoryFiles(): Promise<Record<string, Buffer>> {
  const numbers = Array.from({ length: 12 }, (_, i) => String(i).padStart(3, '0'));
  const train = await Promise.all(
    numbers.map(async (name, i) => [`train/good/${name}.png`, await greyPng(100 + i)] as const),
  );
  return {
    ...Object.fromEntries(train),
    'test/good/000.png': await greyPng(120),
    'test/good/001.png': await greyPng(121),
    'test/crack/000.png': await greyPng(10),
    'test/hole/000.png': await greyPng(11),
    'ground_truth/crack/000_mask.png': await maskPng(true),
    'ground_truth/hole/000_mask.png': await maskPng(true),
  };
}

/** Writes files below a folder; undefined leaves one out. */
export async function writeFiles(root: string, files: Readonly<Record<string, Uint8Array | undefined>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}
