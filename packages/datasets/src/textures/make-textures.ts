import { mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { outputNotEmpty } from '../errors.js';
import { drawTextureImage, TEXTURE_DEFECTS, TEXTURES_VERSION } from './draw-image.js';
import { chooseFamilies, type PlannedTexture, planTextures, type TextureOptions } from './plan-textures.js';

export interface MakeTexturesOptions extends TextureOptions {
  /** Folder to make; it may exist if it is empty. */
  readonly out: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TexturesProgress) => void;
}

export interface TexturesProgress {
  /** Images written, and in all; masks are not counted. */
  readonly done: number;
  readonly total: number;
}

export interface MadeTextures {
  /** Absolute. */
  readonly directory: string;
  readonly families: readonly string[];
  readonly images: number;
  readonly masks: number;
}

/** Files written at once; the encoder has its own threads. */
const PARALLEL_WRITES = 8;

/**
 * Writes a texture set in the MVTec AD layout, with a `textures.json` that tells how it was made. Equal options give equal
 * bytes with the same version of adctl. Everything is written beside the folder first and renamed at the end, so an interruption
 * leaves no half-made set.
 *
 * @throws AdctlError user `bad_texture_option`, `output_not_empty`; the signal's reason when aborted.
 */
export async function makeTextures(options: MakeTexturesOptions): Promise<MadeTextures> {
  const { signal, onProgress = () => undefined } = options;
  const directory = resolve(options.out);
  const planned = planTextures(options);
  const families = chooseFamilies(options.families);
  await assertEmpty(directory);
  await mkdir(dirname(directory), { recursive: true });
  const staging = await mkdtemp(join(dirname(directory), `.${basename(directory)}-`));
  try {
    for (const folder of new Set(planned.flatMap(foldersOf))) await mkdir(join(staging, folder), { recursive: true });
    for (let start = 0; start < planned.length; start += PARALLEL_WRITES) {
      signal?.throwIfAborted();
      const few = planned.slice(start, start + PARALLEL_WRITES);
      await Promise.all(few.map((texture) => writeTexture(staging, texture)));
      onProgress({ done: start + few.length, total: planned.length });
    }
    await writeFile(join(staging, 'textures.json'), describeSet(options));
    await removeEmpty(directory);
    await rename(staging, directory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return {
    directory,
    families: families.map(({ name }) => name),
    images: planned.length,
    masks: planned.filter(({ maskPath }) => maskPath !== undefined).length,
  };
}

async function writeTexture(root: string, { path, maskPath, request }: PlannedTexture): Promise<void> {
  const { pixels, mask } = drawTextureImage(request);
  await writePng(join(root, path), pixels, request.size, request.family.channels);
  if (mask !== undefined && maskPath !== undefined) await writePng(join(root, maskPath), mask, request.size, 1);
}

async function writePng(path: string, pixels: Uint8Array, size: number, channels: number): Promise<void> {
  const { default: sharp } = await import('sharp'); // here, so that listing commands do not load a native library
  const image = sharp(pixels, { raw: { width: size, height: size, channels: channels === 1 ? 1 : 3 } });
  await writeFile(
    path,
    await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toBuffer(),
  );
}

function describeSet({ seed, size, train, test, defective, families }: TextureOptions): string {
  const described = {
    version: TEXTURES_VERSION,
    made: 'adctl datasets make textures',
    options: { seed, size, train, test, defective },
    families: chooseFamilies(families).map(({ name, description, channels }) => ({ name, description, channels })),
    defects: TEXTURE_DEFECTS.map(({ name, description }) => ({ name, description })),
  };
  return `${JSON.stringify(described, null, 2)}\n`;
}

const foldersOf = ({ path, maskPath }: PlannedTexture) =>
  [path, maskPath].filter((file) => file !== undefined).map((file) => dirname(file));

async function assertEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return [basename(directory)];
    throw error;
  });
  if (names.length > 0) throw outputNotEmpty(directory);
}

/** An empty folder in the way of the rename. */
async function removeEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
