import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PoolClass, PoolName, userError } from '@adctl/protocol';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { NatsUsersAnswer } from '../answers/nats-users.js';

export interface NatsUsersRequest {
  /** Where the files go; made when it is missing. */
  readonly folder: string;
  /** Pools of workers, each with a credential of its own, and the class of trials that it may take. */
  readonly pools: readonly { readonly name: string; readonly class: string }[];
  /** Classes of trials for one credential that workers of all pools share; none: there is no such credential. */
  readonly classes: readonly string[];
  /** Names of the people who use the CLI; each owns what it submits. */
  readonly people: readonly string[];
  /** Names of the people who may also run the controller's `admin` verbs. */
  readonly admins: readonly string[];
  readonly namespace: string | undefined;
}

/**
 * Reads `gpu-spot=gpu24`; a pool without a class has one of its own name, as in the chart.
 * @throws AdctlError user `bad_user_name` for what cannot name a pool.
 */
export function parsePool(text: string): NatsUsersRequest['pools'][number] {
  const [name, className = name, ...rest] = text.split('=');
  const pool = z.object({ name: PoolName, class: PoolClass }).safeParse({ name, class: className });
  if (pool.success && rest.length === 0) return pool.data;
  throw userError('bad_user_name', `'${text}' does not name a pool`, {
    hint: `Write NAME or NAME=CLASS, each of lower-case letters, digits and single dashes; a pool's name has at most 24.`,
    details: { name: text },
  });
}

/** Names of the users that the Helm chart expects, beside those of the pools. */
const [CONTROLLER, WORKER] = ['controller', 'worker'];
const AUTHORIZATION_FILE = 'authorization.conf';
const VALUES_FILE = 'values.yaml';

/**
 * Makes the users of a cluster's NATS server: one controller, one for each pool of workers, or one that all share, one for
 * each person. Every seed is
 * a secret and goes into a file of its own that only this user may read; what the server needs holds public keys only.
 *
 * @throws AdctlError user `file_exists` when a file is there already (nothing is written then); `bad_permission_name` for
 *   names that are not one token.
 */
export async function makeNatsUsers(request: NatsUsersRequest): Promise<NatsUsersAnswer> {
  const { createUserKey, renderAuthorization } = await import('@adctl/messaging/nats');
  const users = [
    { name: CONTROLLER, role: 'controller' } as const,
    ...request.pools.map(
      (pool) => ({ name: pool.name, role: 'worker', classes: [pool.class], sharedBy: 'pool' }) as const,
    ),
    ...(request.classes.length === 0
      ? []
      : [{ name: WORKER, role: 'worker', classes: request.classes, sharedBy: 'all' } as const]),
    ...request.people.map((name) => ({ name, role: 'cli' }) as const),
    ...request.admins.map((name) => ({ name, role: 'admin' }) as const),
  ].map((user) => ({ user, key: createUserKey() }));
  const names = users.map(({ user }) => user.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw userError('bad_user_name', `there would be two users named '${twice}'`, {
      hint: `People and pools cannot be named ${CONTROLLER} or ${WORKER}, nor like each other.`,
      details: { name: twice },
    });
  }
  const authorization = renderAuthorization(
    users.map(({ user, key }) => ({ ...user, login: { nkey: key.publicKey } })),
    request.namespace,
  );
  await mkdir(request.folder, { recursive: true, mode: 0o700 });
  const seeds = users.map(({ user, key }) => ({ ...user, file: join(request.folder, `${user.name}.nk`), key }));
  const files = [
    ...seeds.map(({ file, key }) => [file, `${key.seed}\n`] as const),
    [join(request.folder, AUTHORIZATION_FILE), authorization] as const,
    [join(request.folder, VALUES_FILE), stringify({ nats: { enabled: true, authorization } })] as const,
  ];
  await writeAll(files);
  return {
    folder: request.folder,
    authorizationFile: join(request.folder, AUTHORIZATION_FILE),
    valuesFile: join(request.folder, VALUES_FILE),
    users: seeds.map(({ name, role, file, key }) => ({ name, role, publicKey: key.publicKey, seedFile: file })),
  };
}

/** Writes new files for this user alone; a seed that is in use somewhere is never overwritten. */
async function writeAll(files: readonly (readonly [path: string, content: string])[]): Promise<void> {
  const { fileExists } = await import('./files.js');
  for (const [path] of files) {
    if (await fileExists(path)) throw exists(path);
  }
  for (const [path, content] of files) await writeFile(path, content, { mode: 0o600, flag: 'wx' });
}

function exists(path: string) {
  return userError('file_exists', `${path} is there already`, {
    hint: 'Its seed may be in use: name an empty folder with --out, or move the old files away.',
    details: { path },
  });
}
