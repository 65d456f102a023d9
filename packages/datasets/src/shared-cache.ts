import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sha256, SharedDataset, SharedManifest } from '@adctl/protocol';
import { datasetDirectory } from './cache.js';
import { sharedDatasetDamaged } from './errors.js';
import { nullIfMissing } from './null-if-missing.js';

/** Where a data set that came from the object store lies, or would. It is whole when the folder is there. */
export function sharedDirectory(cacheDir: string, digest: Sha256): string {
  return join(datasetDirectory(cacheDir, 'shared'), digest);
}

/** Whether the data set is there; its contents are checked when it is opened. */
export async function hasShared(cacheDir: string, digest: Sha256): Promise<boolean> {
  return (await stat(sharedDirectory(cacheDir, digest)).catch(nullIfMissing)) !== null;
}

export interface ReceiveOptions {
  readonly cacheDir: string;
  /** Reads a file of the object store; a file that breaks off is asked for again from its beginning. */
  readonly read: (file: Sha256) => AsyncIterable<Uint8Array>;
  /** Repeats a step that failed for a passing reason; `step` may be run again. */
  readonly repeat: (step: () => Promise<void>) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Hears how much is there, all files together. */
  readonly onProgress: (bytes: number) => void;
}

/** Files read at once. Most sets are few large files; folders are many small ones, where each request waits for an answer. */
const PARALLEL_FILES = 8;

/**
 * Writes a shared data set into the cache: file by file into a folder of its own, each compared with its digest, then renamed
 * into place. Several processes may do so at once, also on a cache they share: the first rename wins and the others adopt it.
 *
 * @throws AdctlError user `shared_dataset_damaged`; what `read` and `repeat` throw.
 */
export async function receiveShared(
  shared: Pick<SharedDataset, 'name' | 'digest' | 'kind'>,
  { files }: Pick<SharedManifest, 'files'>,
  options: ReceiveOptions,
): Promise<void> {
  const target = sharedDirectory(options.cacheDir, shared.digest);
  await mkdir(dirname(target), { recursive: true });
  await removeAbandoned(dirname(target), options.now());
  const staging = join(dirname(target), `${STAGING_PREFIX}${randomUUID()}`);
  let received = 0;
  const receiveOne = async (file: SharedManifest['files'][number]) => {
    let ofFile = 0;
    await options.repeat(async () => {
      received -= ofFile;
      ofFile = 0;
      await receiveFile(shared, file, join(staging, file.path), countingFrom(file.sha256));
    });
    async function* countingFrom(content: Sha256) {
      for await (const chunk of options.read(content)) {
        ofFile += chunk.length;
        received += chunk.length;
        options.onProgress(received);
        yield chunk;
      }
    }
  };
  try {
    for (let start = 0; start < files.length; start += PARALLEL_FILES) {
      // All of them are waited for: one that still wrote would leave files behind.
      const ended = await Promise.allSettled(files.slice(start, start + PARALLEL_FILES).map(receiveOne));
      for (const one of ended) if (one.status === 'rejected') throw one.reason;
    }
    await rename(staging, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error; // else somebody else was first
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function receiveFile(
  shared: Pick<SharedDataset, 'name' | 'kind'>,
  { path, bytes, sha256 }: SharedManifest['files'][number],
  target: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  let written = 0;
  const file = await open(target, 'w');
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      written += chunk.length;
      if (written > bytes) throw sharedDatasetDamaged(shared, path, `is longer than its ${bytes} bytes`);
      await file.writeFile(chunk);
    }
    await file.datasync(); // the folder's name will promise that it is whole
  } finally {
    await file.close();
  }
  if (written < bytes) throw sharedDatasetDamaged(shared, path, `ends after ${written} of ${bytes} bytes`);
  const found = hash.digest('hex');
  if (found !== sha256) throw sharedDatasetDamaged(shared, path, `has sha256 ${found}, not ${sha256}`);
}

const STAGING_PREFIX = '.staging-';
/** No download writes nothing for so long. Process ids would say nothing: containers that share a cache each have their own. */
const ABANDONED_MS = 86_400_000;

/** Removes what receivers left behind that were killed. */
async function removeAbandoned(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(STAGING_PREFIX)) continue;
    const path = join(folder, name);
    const facts = await stat(path).catch(nullIfMissing); // its owner may end just now
    if (facts !== null && nowMs - facts.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}
