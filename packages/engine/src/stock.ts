import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sha256OfFile } from './cache.js';
import { downloadFailed, librariesUnusable } from './errors.js';
import { runProgram } from './process.js';

/**
 * Fetches and unpacks the libtensorflow tarball that the npm package's own installer would use. It comes without a
 * published digest, so the manifest records the one that was seen.
 *
 * @param into folder that receives `include/` and `lib/`
 * @returns sha256 of the tarball
 * @throws AdctlError `download_failed` (transient), `libraries_unusable` (user)
 */
export async function fetchStockLibraries(url: string, into: string): Promise<string> {
  await mkdir(into, { recursive: true });
  const tarball = join(into, 'libtensorflow.tar.gz');
  await download(url, tarball);
  const sha256 = await sha256OfFile(tarball);
  const result = await runProgram('tar', ['-xzf', tarball, '-C', into]);
  if (result === undefined || result.code !== 0) {
    throw librariesUnusable(`Cannot unpack ${url}: ${result?.output ?? 'tar is missing'}`, { url });
  }
  await rm(tarball);
  return sha256;
}

async function download(url: string, path: string): Promise<void> {
  try {
    const response = await fetch(url);
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    await pipeline(Readable.fromWeb(response.body), createWriteStream(path));
  } catch (error) {
    throw downloadFailed(url, error instanceof Error ? error.message : String(error), error);
  }
}
