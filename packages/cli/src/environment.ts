import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveCacheDir } from '@adctl/datasets';
import { type Environment, parseEnvironment } from '@adctl/protocol';
import { OBJECT_VARIABLES, type ObjectPlace, objectRules, toObjectPlace } from '@adctl/storage';
import { z } from 'zod';

/** The cache folder of this user; with `parseEngineEnvironment` the only place where commands read the environment by themselves. */
export function cacheDir(): string {
  return resolveCacheDir(process.env, homedir());
}

/** Where this user's contexts are: `ADCTL_CONFIG_DIR`, else adctl's folder in `XDG_CONFIG_HOME`, else in `~/.config`. */
export function contextFilePath(environment: NodeJS.ProcessEnv = process.env, home: string = homedir()): string {
  const { ADCTL_CONFIG_DIR: own, XDG_CONFIG_HOME: shared } = environment;
  const folder = own || join(shared || join(home, '.config'), 'adctl');
  return resolve(folder, 'contexts.yaml');
}

/**
 * A deployment's object store, in the variables that its controller and workers have.
 * @throws AdctlError user `bad_object_environment` listing every variable that is missing or wrong.
 */
export function objectPlace(variables: Environment = process.env): ObjectPlace {
  return toObjectPlace(parseObjectVariables(variables));
}

/** A bucket reached as those variables say (endpoint, region, path style), whatever bucket they name themselves. */
export function bucketPlace(bucket: string, variables: Environment = process.env): ObjectPlace {
  const { ADCTL_S3_PREFIX: _prefix, ...rest } = variables;
  return toObjectPlace(parseObjectVariables({ ...rest, ADCTL_OBJECTS: 's3', ADCTL_S3_BUCKET: bucket }));
}

function parseObjectVariables(variables: Environment) {
  return parseEnvironment(variables, {
    schema: z.object(OBJECT_VARIABLES),
    rules: [objectRules],
    whose: 'the object store',
    code: 'bad_object_environment',
  });
}

/** The version of this adctl, as its package says. */
export function adctlVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
