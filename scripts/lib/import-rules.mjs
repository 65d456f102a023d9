import { IMPORT_TABLE, TENSOR_FREE, TENSOR_LIBRARY } from './import-table.mjs';
import { resolveImport, splitSpecifier } from './module-graph.mjs';

/** @typedef {import('./module-graph.mjs').Package} Package */
/** @typedef {import('./module-graph.mjs').SourceFile} SourceFile */

/**
 * Applies every rule.
 *
 * @param {Package[]} packages
 * @returns {string[]} one readable line per broken rule; empty when all is well
 */
export function findProblems(packages) {
  const byName = new Map(packages.map((pkg) => [pkg.name, pkg]));
  const files = packages.flatMap((pkg) => pkg.files);
  const byPath = new Map(files.map((file) => [file.path, file]));
  return [
    ...packages.flatMap(unknownPackage),
    ...files.flatMap((file) => file.imports.flatMap((item) => importProblems(file, item, byName, byPath))),
    ...fileCycles(files, byName, byPath),
    ...packageCycles(packages, byName),
    ...tensorPaths(packages, byName, byPath),
  ];
}

function unknownPackage(pkg) {
  if (IMPORT_TABLE[pkg.name] !== undefined) return [];
  return [`packages: ${pkg.name} has no row in scripts/lib/import-table.mjs; say there what it may import`];
}

/** The package table, declared dependencies, entry points, and files that reach out of their package. */
function importProblems(file, item, byName, byPath) {
  const row = IMPORT_TABLE[file.package.name];
  if (row === undefined) return [];
  const at = `${file.shown}:${item.line}: imports ${item.specifier}`;
  if (item.specifier.startsWith('.')) {
    const target = resolveImport(file, item.specifier, byName);
    if (byPath.get(target)?.package === file.package) return [];
    if (target.startsWith(`${file.package.directory}/`)) return []; // package.json and the like
    return [`${at}, outside its own package; import the package by its name`];
  }
  const forbidden = file.test ? undefined : row.never.find((rule) => rule.pattern.test(item.specifier));
  if (forbidden !== undefined && !(forbidden.except !== undefined && file.inPackage.startsWith(forbidden.except))) {
    return [`${at}, but ${forbidden.reason}`];
  }
  const { name, entry } = splitSpecifier(item.specifier);
  const target = byName.get(name);
  if (target === undefined || target === file.package) return [];
  if (target.json.exports?.[entry] === undefined) {
    return [
      `${at}, which is not an entry point of ${name} (those are ${Object.keys(target.json.exports ?? {}).join(', ')})`,
    ];
  }
  if (!declaredBy(file).includes(name)) return [`${at}, which ${file.package.name}'s package.json does not list`];
  if (file.test) return [];
  if (!row.packages.includes(name)) {
    return [`${at}, but ${file.package.name} may import only ${row.packages.join(', ') || 'no other package'}`];
  }
  const entries = row.entries?.[name];
  if (entries !== undefined && !entries.includes(entry)) {
    return [`${at}, but ${file.package.name} may use only ${entries.map((e) => name + e.slice(1)).join(', ')}`];
  }
  return [];
}

function declaredBy(file) {
  const { dependencies, peerDependencies, devDependencies } = file.package.json;
  return Object.keys({ ...dependencies, ...peerDependencies, ...(file.test ? devDependencies : {}) });
}

/** Files that import each other in a ring at run time. */
function fileCycles(files, byName, byPath) {
  const next = (file) =>
    file.imports
      .filter((item) => item.specifier.startsWith('.') && !item.dynamic)
      .flatMap((item) => byPath.get(resolveImport(file, item.specifier, byName)) ?? []);
  return findCycles(files, next).map((ring) => `cycle between files: ${ring.map((file) => file.shown).join(' → ')}`);
}

/** Packages that need each other, development dependencies included: turbo cannot order them. */
function packageCycles(packages, byName) {
  const next = ({ json }) =>
    Object.keys({ ...json.dependencies, ...json.peerDependencies, ...json.devDependencies }).flatMap(
      (name) => byName.get(name) ?? [],
    );
  return findCycles(packages, next).map((ring) => `cycle between packages: ${ring.map((pkg) => pkg.name).join(' → ')}`);
}

/**
 * Rings in a graph, each once, by depth-first search.
 *
 * @template T
 * @param {T[]} nodes
 * @param {(node: T) => T[]} next
 * @returns {T[][]} each ring ends with the node it began with
 */
export function findCycles(nodes, next) {
  const done = new Set();
  const path = [];
  const rings = [];
  const visit = (node) => {
    const at = path.indexOf(node);
    if (at !== -1) rings.push([...path.slice(at), node]);
    if (at !== -1 || done.has(node)) return;
    path.push(node);
    next(node).forEach(visit);
    path.pop();
    done.add(node);
  };
  nodes.forEach(visit);
  return rings;
}

/** Chains of static imports from a package that must stay light to a tensor library. */
function tensorPaths(packages, byName, byPath) {
  const start = packages.filter((pkg) => TENSOR_FREE.includes(pkg.name)).flatMap((pkg) => pkg.files);
  const problems = [];
  for (const first of start.filter((file) => !file.test)) {
    const chain = tensorChain(first, byName, byPath);
    if (chain !== undefined) problems.push(`tensors reach ${first.package.name}: ${chain.join(' → ')}`);
  }
  return problems;
}

function tensorChain(first, byName, byPath) {
  const seen = new Set([first]);
  const waiting = [[first]];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const file = path.at(-1);
    for (const item of file.imports.filter((candidate) => !candidate.dynamic)) {
      if (TENSOR_LIBRARY.test(item.specifier)) return [...path.map((step) => step.shown), item.specifier];
      const target = byPath.get(resolveImport(file, item.specifier, byName));
      if (target === undefined || seen.has(target)) continue;
      seen.add(target);
      waiting.push([...path, target]);
    }
  }
  return undefined;
}
