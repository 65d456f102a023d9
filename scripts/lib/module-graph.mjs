import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { TEST_FILE } from './import-table.mjs';

/**
 * @typedef {object} Import
 * @property {string} specifier as written
 * @property {boolean} dynamic `import()`, which loads only when it is reached
 * @property {number} line
 *
 * @typedef {object} SourceFile
 * @property {string} path absolute
 * @property {string} shown relative to the repository, for messages
 * @property {string} inPackage relative to its package
 * @property {Package} package
 * @property {boolean} test
 * @property {Import[]} imports what is left at run time: type imports are gone
 *
 * @typedef {object} Package
 * @property {string} name
 * @property {string} directory
 * @property {{ exports?: Record<string, { source?: string }>, dependencies?: object, peerDependencies?: object,
 *   devDependencies?: object }} json
 * @property {SourceFile[]} files
 */

/**
 * Reads every TypeScript file below `packages/<name>/src`.
 *
 * @param {string} root the repository
 * @returns {Promise<Package[]>}
 */
export async function readPackages(root) {
  await init;
  const packages = [];
  for (const folder of (await readdir(join(root, 'packages'))).sort()) {
    const directory = join(root, 'packages', folder);
    if (!existsSync(join(directory, 'package.json'))) continue;
    const json = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
    const pkg = { name: json.name, directory, json, files: [] };
    pkg.files = await readFiles(root, pkg);
    packages.push(pkg);
  }
  return packages;
}

async function readFiles(root, pkg) {
  const source = join(pkg.directory, 'src');
  if (!existsSync(source)) return [];
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.[cm]?ts$/.test(entry.name) && !/\.d\.[cm]?ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.sort().map(async (path) => {
      const inPackage = relative(pkg.directory, path);
      const imports = runtimeImports(await readFile(path, 'utf8'), path);
      return { path, shown: relative(root, path), inPackage, package: pkg, test: TEST_FILE.test(inPackage), imports };
    }),
  );
}

/**
 * The imports that remain once types are gone.
 *
 * @param {string} text TypeScript
 * @param {string} path for error messages
 * @returns {Import[]}
 */
export function runtimeImports(text, path) {
  const [imports] = parse(stripTypeScriptTypes(text, { mode: 'transform' }), path);
  return imports
    .filter((item) => item.n !== undefined) // import.meta, and import() of a computed name
    .map((item) => ({ specifier: item.n, dynamic: item.d > -1, line: lineOf(text, item.n) }));
}

function lineOf(text, specifier) {
  const at = text.search(new RegExp(`['"]${specifier.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}['"]`));
  return text.slice(0, Math.max(at, 0)).split('\n').length;
}

/**
 * Finds the file that a relative import, or an import of a workspace package, leads to.
 *
 * @param {SourceFile} file
 * @param {string} specifier
 * @param {Map<string, Package>} byName
 * @returns {string | undefined} absolute path; undefined for other modules and entries that do not exist
 */
export function resolveImport(file, specifier, byName) {
  if (specifier.startsWith('.')) return resolve(dirname(file.path), specifier).replace(/\.([cm]?)js$/, '.$1ts');
  const target = splitSpecifier(specifier);
  const pkg = byName.get(target.name);
  const source = pkg?.json.exports?.[target.entry]?.source;
  return pkg === undefined || source === undefined ? undefined : join(pkg.directory, source);
}

/**
 * `@adctl/storage/s3` → name `@adctl/storage`, entry `./s3`.
 *
 * @param {string} specifier
 */
export function splitSpecifier(specifier) {
  const parts = specifier.split('/');
  const length = specifier.startsWith('@') ? 2 : 1;
  const rest = parts.slice(length).join('/');
  return { name: parts.slice(0, length).join('/'), entry: rest === '' ? '.' : `./${rest}` };
}
