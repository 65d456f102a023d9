import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { NatsUser } from '@adctl/messaging/nats';

/** The three users of a cluster on one machine, with seeds in files that only this user can read. */
export interface DevKeys {
  /** The name of the person, who owns what is submitted. */
  readonly person: string;
  /** For the server's configuration. */
  readonly users: readonly NatsUser[];
  readonly seedFile: (user: string) => string;
  remove(): void;
}

/** The credential that the workers share. */
export const POOL_USER = 'pool-local';

/** Makes new keys; they are good for one run. */
export async function createDevKeys(directory: string, className: string): Promise<DevKeys> {
  const { createUserKey } = await import('@adctl/messaging/nats');
  const person = userInfo().username.replace(/[^A-Za-z0-9_-]/g, '-');
  const roles = [
    { role: 'controller', name: 'controller' },
    { role: 'worker', name: POOL_USER, classes: [className], sharedBy: 'all' },
    { role: 'admin', name: person },
  ] as const;
  const seedFile = (user: string) => join(directory, `${user}.nk`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const users = roles.map((user): NatsUser => {
    const { seed, publicKey } = createUserKey();
    writeFileSync(seedFile(user.name), `${seed}\n`, { mode: 0o600 });
    return { ...user, login: { nkey: publicKey } };
  });
  return { person, users, seedFile, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
