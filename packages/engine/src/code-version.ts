import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Sha256, userError } from '@adctl/protocol';
import { z } from 'zod';
import { TENSORFLOW_VERSION } from './versions.js';

/** Folder that holds the packages side by side, in the workspace and in `node_modules/@adctl` alike. */
const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));

/** Built folders and files, relative to {@link PACKAGES}, whose code decides the numbers of every method. */
export const SHARED_CODE = [
  'methods/dist/kit',
  'methods/dist/backbones',
  'methods/dist/method.js',
  'methods/dist/published-result.js',
  'evaluation/dist',
  'datasets/dist',
  'random/dist',
  'worker/dist/trainer',
];

const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});

const versions = new Map<string, Sha256>();

/**
 * Digest over the code that computes a method's numbers: the method itself, the kit, backbones, evaluation, data, chance,
 * the training loop, the versions that these packages pin of others, and the TensorFlow that is built. Results of equal trials are
 * reused only when it is equal. Which TensorFlow was loaded, where a user brings another, stands in each result.
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
  for (const name of new Set(SHARED_CODE.map((code) => code.split('/')[0] as string))) {
    hash.update(`${name} ${JSON.stringify(foreignPackages(packages, name))}\n`);
  }
  for (const code of [...SHARED_CODE, `methods/dist/${method}`]) {
    for (const file of compiledFiles(packages, code)) {
      hash.update(`${relative(packages, file).split(sep).join('/')}\n`).update(readFileSync(file));
    }
  }
  const version = hash.digest('hex') as Sha256;
  versions.set(key, version);
  return version;
}

/** What a package pins that is not ours, `name@version` in order. */
function foreignPackages(packages: string, name: string): string[] {
  const text = readFileSync(join(packages, name, 'package.json'), 'utf8');
  const { dependencies, peerDependencies } = Manifest.parse(JSON.parse(text));
  return Object.entries({ ...dependencies, ...peerDependencies })
    .filter(([foreign]) => !foreign.startsWith('@adctl/'))
    .map(([foreign, version]) => `${foreign}@${version}`)
    .sort();
}

/** One compiled file, or all `.js` files below a folder, ordered by path. */
function compiledFiles(packages: string, code: string): string[] {
  const directory = join(packages, code);
  if (code.endsWith('.js') && existsSync(directory)) return [directory];
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
