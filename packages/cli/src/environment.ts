import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveCacheDir } from '@adctl/datasets';
import { z } from 'zod';

/** The cache folder of this user; with `parseEngineEnvironment` and `object-environment.ts` the only place where commands read the environment by themselves. */
export function cacheDir(): string {
  return resolveCacheDir(process.env, homedir());
}

/** Where this user's contexts are: `ADCTL_CONFIG_DIR`, else adctl's folder in `XDG_CONFIG_HOME`, else in `~/.config`. */
export function contextFilePath(environment: NodeJS.ProcessEnv = process.env, home: string = homedir()): string {
  const { ADCTL_CONFIG_DIR: own, XDG_CONFIG_HOME: shared } = environment;
  const folder = own || join(shared || join(home, '.config'), 'adctl');
  return resolve(folder, 'contexts.yaml');
}

/** The version of this adctl, as its package says. */
export function adctlVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
