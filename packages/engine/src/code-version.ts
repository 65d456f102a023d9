import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Sha256, userError } from '@adctl/protocol';
import { TENSORFLOW_VERSION } from './versions.js';

/** Folder that holds the packages side by side, in the workspace and in `node_modules/@adctl` alike. */
const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));

/** Built folders, relative to {@link PACKAGES}, whose code decides the numbers of every method. */
const SHARED_FOLDERS = ['methods/dist/kit', 'evaluation/dist', 'datasets/dist', 'random/dist', 'worker/dist/trainer'];

const versions = new Map<string, Sha256>();

/**
 * Digest over the code that computes a method's numbers: the method itself, the kit, evaluation, data, chance, the
 * training loop, and the version of TensorFlow. Results of equal trials are reused only when it is equal.
 *
 * It reads the compiled `.js` files, also when the caller itself runs from TypeScript sources, so that a planner and a
 * trainer agree; the first call takes a few milliseconds, later ones nothing.
 *
 * @param method id of the method, which is the name of its folder
 * @param packages folder with the packages side by side; another one only in tests
 * @throws AdctlError `not_built` (user) when one of the folders has no compiled code
 */
export function codeVersion(method: string, packages: string = PACKAGES): Sha256 {
  const key = `${packages}\n${method}`;
  const known = versions.get(key);
  if (known !== undefined) return known;

  const hash = createHash('sha256').update(`tensorflow ${TENSORFLOW_VERSION}\n`);
  for (const folder of [...SHARED_FOLDERS, `methods/dist/${method}`]) {
    for (const file of compiledFiles(packages, folder)) {
      hash.update(`${relative(packages, file).split(sep).join('/')}\n`).update(readFileSync(file));
    }
  }
  const version = hash.digest('hex') as Sha256;
  versions.set(key, version);
  return version;
}

/** All `.js` files below a folder, ordered by path. */
function compiledFiles(packages: string, folder: string): string[] {
  const directory = join(packages, folder);
  const entries = existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [];
  const files = entries.filter((entry) => entry.endsWith('.js')).sort();
  if (files.length === 0) {
    throw userError('not_built', `There is no compiled code in ${directory}.`, {
      hint: 'Build the workspace with: npm run build',
      details: { directory },
    });
  }
  return files.map((file) => join(directory, file));
}
