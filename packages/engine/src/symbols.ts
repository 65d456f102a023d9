import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { librariesUnusable, toolMissing } from './errors.js';
import type { Libraries } from './libraries.js';
import { runProgram } from './process.js';

/** A call of the TensorFlow C API in C++ source. `TF_Auto…`/`TFE_Auto…` are the addon's own classes, `TF_TString_…` inline. */
const C_API_CALL = /\b(TFE?_(?!Auto|TString_)[A-Za-z0-9]+)\s*\(/g;

/** Names of the C functions that a source text calls, sorted, without repeats. */
export function calledSymbols(source: string): string[] {
  return [...new Set([...source.matchAll(C_API_CALL)].map((match) => match[1] ?? ''))].sort();
}

/** Names in `nm -D --defined-only` output, versions (`@@…`) cut off. */
export function exportedSymbols(nmOutput: string): Set<string> {
  const names = nmOutput.split('\n').map((line) => line.trim().split(/\s+/).at(-1) ?? '');
  return new Set(names.map((name) => name.replace(/@.*$/, '')).filter((name) => name !== ''));
}

/**
 * Checks, before compiling, that the libraries export every C function the addon calls: a missing one would otherwise
 * end the process at its first use, in the middle of a training.
 *
 * @param bindingDir folder of the addon's C++ sources
 * @returns how many functions were checked
 * @throws AdctlError `libraries_unusable` naming the missing functions; `binutils_missing` without `nm`
 */
export async function verifySymbols(libraries: Libraries, bindingDir: string): Promise<number> {
  const sources = (await readdir(bindingDir)).filter((name) => /\.(cc|h)$/.test(name));
  const texts = await Promise.all(sources.map((name) => readFile(join(bindingDir, name), 'utf8')));
  const called = calledSymbols(texts.join('\n'));
  const exported = new Set<string>();
  for (const name of [libraries.main, libraries.framework]) {
    for (const symbol of await listExports(join(libraries.directory, name))) exported.add(symbol);
  }
  const missing = called.filter((symbol) => !exported.has(symbol));
  if (missing.length > 0) {
    throw librariesUnusable(
      `${libraries.main} and ${libraries.framework} do not export what the addon calls: ${missing.join(', ')}.`,
      { directory: libraries.directory, missing },
    );
  }
  return called.length;
}

async function listExports(library: string): Promise<Set<string>> {
  // The list holds 400,000 C++ names; only the C ones are kept.
  const keep = (line: string) => / TFE?_/.test(line);
  const result = await runProgram('nm', ['-D', '--defined-only', library], { keep });
  if (result === undefined) {
    throw toolMissing('binutils_missing', 'The program "nm" is missing.', 'Install it: apt-get install binutils');
  }
  if (result.code !== 0) throw librariesUnusable(`nm cannot read ${library}: ${result.output}`, { library });
  return exportedSymbols(result.stdout);
}
