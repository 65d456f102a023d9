import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './dockerfile.ts';

const PROGRAM_FOLDERS = ['bin', 'usr/bin', 'usr/local/bin'];
const TOOLS = ['as', 'c++', 'cc', 'clang', 'g++', 'gcc', 'ld', 'make', 'pip3', 'python3'];

/** What an image's root holds, relative to it, although nothing needs it at run time. */
export async function foreignFiles(root: string): Promise<string[]> {
  const tools = PROGRAM_FOLDERS.flatMap((folder) => TOOLS.map((tool) => join(folder, tool)));
  return [
    ...tools.filter((path) => existsSync(join(root, path))),
    ...(await developmentPackages()).filter((path) => existsSync(join(root, path))),
    ...(await sourcesAndTests(root)),
  ];
}

/** Packages that the lock file has for development alone. */
async function developmentPackages(): Promise<string[]> {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
    await readFile(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  const names = Object.entries(lock.packages).flatMap(([path, { dev }]) => (dev === true ? [path] : []));
  return ['node_modules/@adctl/testkit', 'packages/testkit', ...names].map((path) => join('app', path));
}

async function sourcesAndTests(root: string): Promise<string[]> {
  const files = await readdir(join(root, 'app/packages'), { recursive: true });
  return files
    .filter(
      (path) => !path.includes('node_modules/') && /\.(ts|map)$|\.(test|fixtures|bench)\.|\bcontracts\//.test(path),
    )
    .map((path) => join('app/packages', path));
}
