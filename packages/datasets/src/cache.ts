import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import type { Sha256 } from '@adctl/protocol';
import { z } from 'zod';
import { corruptDataset } from './errors.js';

/**
 * The cache folder of adctl: `ADCTL_CACHE_DIR`, else `adctl` under `XDG_CACHE_HOME`, else `~/.cache/adctl`. Pure: `main.ts`
 * passes the environment in. A relative `XDG_CACHE_HOME` is ignored, as the XDG specification asks.
 */
export function resolveCacheDir(environment: Readonly<Record<string, string | undefined>>, home: string): string {
  const own = environment.ADCTL_CACHE_DIR;
  if (own !== undefined && own !== '') return own;
  const xdg = environment.XDG_CACHE_HOME;
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, '.cache'), 'adctl');
}

/** Where the files of a data set live in the cache. */
export function datasetDirectory(cacheDir: string, name: string): string {
  return join(cacheDir, 'datasets', name);
}

/** Digests of one file. They differ only for `.gz` files. */
export interface FileDigest {
  /** sha256 of the bytes on disk. */
  readonly file: Sha256;
  /** sha256 of the bytes unpacked. */
  readonly content: Sha256;
}

const Remembered = z.record(
  z.string(),
  z.object({ size: z.string(), mtimeNs: z.string(), file: z.string(), content: z.string() }),
);

/** Computes file digests and remembers them beside size and modification time, so that only changed files are read again. */
export interface DigestMemory {
  /** @throws AdctlError user `corrupt_dataset` when a `.gz` cannot be unpacked. */
  digest(path: string): Promise<FileDigest>;
  /** Whether size and modification time are still those of the file whose digest was given. */
  isUnchanged(path: string): Promise<boolean>;
  /** Writes what was learned, if anything. A cache that cannot be written costs time, not correctness: it is left as it is. */
  save(): Promise<void>;
}

/** Opens the memory kept in `directory/.digests.json`; a missing or unreadable one starts empty. */
export async function openDigestMemory(directory: string): Promise<DigestMemory> {
  const file = join(directory, '.digests.json');
  const remembered = await readRemembered(file);
  let changed = false;
  return {
    async digest(path) {
      const stamp = await stampOf(path);
      const known = remembered[path];
      if (known !== undefined && isSame(known, stamp)) {
        return { file: known.file as Sha256, content: known.content as Sha256 };
      }
      const digest = await digestFile(path);
      remembered[path] = { ...stamp, ...digest };
      changed = true;
      return digest;
    },
    async isUnchanged(path) {
      const known = remembered[path];
      return known !== undefined && isSame(known, await stampOf(path));
    },
    async save() {
      if (!changed) return;
      changed = false;
      await writeAtomically(file, JSON.stringify(remembered));
    },
  };
}

/** What tells, without reading a file, that it was changed. */
interface Stamp {
  readonly size: string;
  readonly mtimeNs: string;
}

async function stampOf(path: string): Promise<Stamp> {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  return { size: String(size), mtimeNs: String(mtimeNs) };
}

const isSame = (a: Stamp, b: Stamp) => a.size === b.size && a.mtimeNs === b.mtimeNs;

/** Hashes a file as it lies and, for a `.gz`, as it unpacks. @throws AdctlError user `corrupt_dataset` for a broken `.gz`. */
export async function digestFile(path: string): Promise<FileDigest> {
  const file = await hashOf(createReadStream(path, { highWaterMark: 1 << 20 }));
  if (!path.endsWith('.gz')) return { file, content: file };
  try {
    return { file, content: await hashOf(createReadStream(path), createGunzip()) };
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw corruptDataset(path, `broken gzip stream: ${cause.message}`, {}, cause);
  }
}

async function hashOf(source: ReadStream, unpack?: Gunzip): Promise<Sha256> {
  const hash = createHash('sha256');
  await (unpack === undefined ? pipeline(source, hash) : pipeline(source, unpack, hash));
  return hash.digest('hex') as Sha256;
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

async function readRemembered(file: string): Promise<z.infer<typeof Remembered>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  const parsed = Remembered.safeParse(parseJson(text));
  return parsed.success ? parsed.data : {}; // digests can always be computed again
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Two processes may save at once; each writes its own file and the last rename wins whole. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const readOnly = ['EACCES', 'EROFS', 'EPERM', 'ENOSPC'].includes(String((error as NodeJS.ErrnoException).code));
    if (!readOnly) throw error;
  }
}
