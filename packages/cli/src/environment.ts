import { homedir } from 'node:os';
import { resolveCacheDir } from '@adctl/datasets';

/** The cache folder of this user; with `parseEngineEnvironment` the only place where commands read the environment by themselves. */
export function cacheDir(): string {
  return resolveCacheDir(process.env, homedir());
}
