import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Says whose folder it is: host and process id. */
const OWNER_FILE = '.owner';

/**
 * Makes this worker's scratch folder, empty, and removes the folders of workers of this machine that are dead: a killed
 * worker leaves its attempts' files behind, and nobody else would ever look at them.
 *
 * @param root holds one folder per worker.
 */
export async function prepareScratch(root: string, worker: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const entry of await readdir(root)) {
    if (entry === worker || (await isAbandoned(join(root, entry)))) await removeScratch(root, entry);
  }
  await mkdir(join(root, worker), { recursive: true });
  await writeFile(join(root, worker, OWNER_FILE), `${hostname()} ${process.pid}\n`);
}

/** Removes a worker's scratch folder with everything in it. */
export async function removeScratch(root: string, worker: string): Promise<void> {
  await rm(join(root, worker), { recursive: true, force: true, maxRetries: 3 });
}

async function isAbandoned(folder: string): Promise<boolean> {
  const owner = await readFile(join(folder, OWNER_FILE), 'utf8').catch(() => '');
  const [host, pid] = owner.trim().split(' ');
  return host === hostname() && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
