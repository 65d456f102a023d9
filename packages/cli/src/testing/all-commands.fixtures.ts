import { globSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AdctlCommandClass } from '../base-command.js';

const COMMANDS = fileURLToPath(new URL('../commands/', import.meta.url));

/** Every command class by its words: `sweeps list`. */
export async function loadCommands(): Promise<ReadonlyMap<string, AdctlCommandClass>> {
  const files = globSync('**/*.ts', { cwd: COMMANDS })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();
  const entries = files.map(async (file): Promise<[string, AdctlCommandClass]> => {
    const module = (await import(pathToFileURL(`${COMMANDS}${file}`).href)) as { default: AdctlCommandClass };
    return [file.replace(/\.ts$/, '').replaceAll('/', ' '), module.default];
  });
  return new Map(await Promise.all(entries));
}
