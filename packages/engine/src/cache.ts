import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { addonVersion, Flavour, platformArch, TENSORFLOW_VERSION } from './versions.js';

/**
 * The engine cache, outside every checkout:
 *
 * ```
 * <cacheDir>/engine/
 *   downloads/                          fetched wheels, kept to mend a damaged engine without a network
 *   2.21.0-cpu-4.22.0-linux-x64  ->  builds/…   a link, so that a finished build replaces the old one in one step
 *   builds/2.21.0-cpu-4.22.0-linux-x64-<unique>/
 *     tensorflow/          the two libraries and the few headers the addon needs (nvidia/ beside it for GPUs)
 *     tfjs_binding.node    MANIFEST.json, written last
 * ```
 */
export const MANIFEST_FILE = 'MANIFEST.json';
export const ADDON_FILE = 'tfjs_binding.node';
export const LIBRARY_FOLDER = 'tensorflow';

/** Raised when our compiler flags or the folder layout change, so that older builds are made again. */
export const BUILD_RECIPE = 2;

/** Where a build's TensorFlow libraries came from. */
export const EngineSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('folder'), path: z.string() }),
  z.object({ kind: z.literal('wheel'), file: z.string(), sha256: z.string() }),
  z.object({ kind: z.literal('stock'), url: z.string(), sha256: z.string() }),
]);
export type EngineSource = z.infer<typeof EngineSource>;

/** One file of a build; `path` is relative to the build's folder, or absolute for libraries left in a user's folder. */
const ManifestFile = z.object({ path: z.string(), bytes: z.number().int(), sha256: z.string() });
export type ManifestFile = z.infer<typeof ManifestFile>;

/** `MANIFEST.json`: present means the build is complete. */
export const EngineManifest = z.object({
  recipe: z.number().int(),
  /** What the loaded library says of itself. */
  tensorflowVersion: z.string(),
  addonVersion: z.string(),
  flavour: Flavour,
  platform: z.string(),
  source: EngineSource,
  compiler: z.string(),
  builtAt: z.string(),
  files: z.array(ManifestFile).min(1),
});
export type EngineManifest = z.infer<typeof EngineManifest>;

/** Folder that holds all engines of a cache. */
export function engineRoot(cacheDir: string): string {
  return join(cacheDir, 'engine');
}

/** Folder for fetched wheels. */
export function downloadsDirectory(cacheDir: string): string {
  return join(engineRoot(cacheDir), 'downloads');
}

/** Name of one engine: TensorFlow version, flavour, addon version, platform. */
export function engineName(flavour: Flavour): string {
  return `${TENSORFLOW_VERSION}-${flavour}-${addonVersion(flavour)}-${platformArch()}`;
}

/** Where the engine of a flavour is found once it has been built. */
export function engineDirectory(cacheDir: string, flavour: Flavour): string {
  return join(engineRoot(cacheDir), engineName(flavour));
}

/**
 * Reads a build's manifest.
 *
 * @returns undefined when there is none, when it cannot be read as one, or when another recipe made it
 */
export async function readManifest(directory: string): Promise<EngineManifest | undefined> {
  let text: string;
  try {
    text = await readFile(join(directory, MANIFEST_FILE), 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const parsed = EngineManifest.safeParse(parseJson(text));
  return parsed.success && parsed.data.recipe === BUILD_RECIPE ? parsed.data : undefined;
}

/** A file that is not what the manifest says. */
export interface FileProblem {
  readonly path: string;
  readonly reason: string;
}

/**
 * Compares a build's files with its manifest.
 *
 * @param depth `sizes` takes microseconds; `digests` reads everything (about 0.9 GB, one to two seconds)
 * @returns one entry per bad file; empty when the build is whole
 */
export async function verifyFiles(
  directory: string,
  manifest: EngineManifest,
  depth: 'sizes' | 'digests',
): Promise<FileProblem[]> {
  const problems: FileProblem[] = [];
  for (const file of manifest.files) {
    const reason = await fileProblem(resolve(directory, file.path), file, depth);
    if (reason !== undefined) problems.push({ path: file.path, reason });
  }
  return problems;
}

async function fileProblem(path: string, expected: ManifestFile, depth: 'sizes' | 'digests') {
  try {
    const { size } = await stat(path);
    if (size !== expected.bytes) return `holds ${size} bytes instead of ${expected.bytes}`;
  } catch (error) {
    if (isMissing(error)) return 'is missing';
    throw error;
  }
  if (depth === 'sizes') return undefined;
  const sha256 = await sha256OfFile(path);
  return sha256 === expected.sha256 ? undefined : `has sha256 ${sha256} instead of ${expected.sha256}`;
}

/** Describes a file for the manifest; `path` is kept as given, resolved against `directory` for reading. */
export async function describeFile(directory: string, path: string): Promise<ManifestFile> {
  const absolute = resolve(directory, path);
  return { path, bytes: (await stat(absolute)).size, sha256: await sha256OfFile(absolute) };
}

/** Hex sha256 of a file, streamed. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Whether a file-system error says that the path does not exist. */
export function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
