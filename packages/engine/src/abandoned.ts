import { readdir, readlink, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isMissing } from './cache.js';

/** A build folder this young is left alone whatever its process id says: it may belong to another container. */
const GRACE_MS = 15 * 60_000;

export interface AbandonedOptions {
  /** Folder with the engines' links and `builds/`. */
  readonly root: string;
  readonly nowMs: number;
  readonly isAlive: (processId: number) => boolean;
}

/** Suffix of a build folder's name, before the unique part: whose build it is. */
export function buildSuffix(processId: number): string {
  return `-p${processId}-`;
}

/**
 * Removes build folders that a killed set-up left behind (0.85 GB each): no engine points at them, their process is
 * gone, and nothing was added to them for a quarter of an hour.
 *
 * @returns the names that were removed
 */
export async function removeAbandonedBuilds(options: AbandonedOptions): Promise<string[]> {
  const { root, nowMs, isAlive } = options;
  const builds = join(root, 'builds');
  const used = await linkedBuilds(root);
  const removed: string[] = [];
  for (const name of await readdir(builds)) {
    const owner = Number(/-p(\d+)-[^-]*$/.exec(name)?.[1]);
    if (used.has(name) || Number.isNaN(owner) || isAlive(owner)) continue;
    const modifiedMs = await modificationTime(join(builds, name));
    if (modifiedMs === undefined || nowMs - modifiedMs < GRACE_MS) continue;
    await rm(join(builds, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/** Whether a process of this machine still runs. */
export function isProcessAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function linkedBuilds(root: string): Promise<Set<string>> {
  const entries = await readdir(root, { withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink());
  return new Set(await Promise.all(links.map(async (entry) => basename(await readlink(join(root, entry.name))))));
}

async function modificationTime(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return undefined; // another set-up was faster
    throw error;
  }
}
