import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolveCacheDir } from '@adctl/datasets';
import { z } from 'zod';

/** The cache folder of this user; with `parseEngineEnvironment` the only place where commands read the environment by themselves. */
export function cacheDir(): string {
  return resolveCacheDir(process.env, homedir());
}

/** The version of this adctl, as its package says. */
export function adctlVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
