import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SweepId, TrialId } from '@adctl/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { connectNats, type NatsRole, prepareNats } from './connect.js';
import type { NatsCredentials } from './core-nats.js';
import { describeOnServers, testOptions } from './deployment.fixtures.js';
import { credsLogins, passwordLogins, type Somebody } from './logins.fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'adctl-logins-'));
afterAll(() => rm(folder, { recursive: true }));

const users: Somebody[] = [
  { role: 'controller', name: 'controller' },
  { role: 'worker', name: 'w1', classes: ['cpu'] },
  { role: 'cli', name: 'alice' },
];
const passwords = passwordLogins(folder, users);
const creds = credsLogins(folder, users);
const strangers = mkdtempSync(join(folder, 'strangers-'));
const wrongPassword = join(strangers, 'password');
writeFileSync(wrongPassword, 'incorrect horse\n');

const cases = [
  ['a password, in an account', passwords, { user: 'alice', passwordFile: wrongPassword }],
  ['a .creds file, in operator mode', creds, credsLogins(strangers, users).credentialsOf('alice')],
] as const satisfies readonly (readonly [string, typeof passwords, NatsCredentials])[];

for (const [login, { config, credentialsOf }, wrong] of cases) {
  await describeOnServers(
    'both',
    ({ current }) => {
      const optionsOf = (role: NatsRole, identity: string, credentials = credentialsOf(identity)) => ({
        ...testOptions(current(), 'ad'),
        ...{ role, identity, credentials },
      });

      describe(`users with ${login}`, () => {
        it('do their work, and no more', async () => {
          await prepareNats({ ...optionsOf('controller', 'controller'), classes: ['cpu'] });
          const controller = await connectNats(optionsOf('controller', 'controller'));
          const worker = await connectNats(optionsOf('worker', 'w1'));
          const alice = await connectNats(optionsOf('cli', 'alice'));
          try {
            await controller.control.serve('sweeps.list', async (_payload, caller) => caller);
            expect(await alice.control.request('sweeps.list', {})).toBe('alice');
            await controller.state.bucket('trial').put('s1.t1', 1);
            const assignment = {
              version: 1,
              sweep: SweepId.parse('s1'),
              trial: TrialId.parse('t1'),
              generation: 0,
            } as const;
            await controller.queue.publish({
              ...{ class: 'cpu', priority: 'normal', messageId: crypto.randomUUID() },
              assignment: { ...assignment, specKey: 'v1/trial/s1/t1.json' },
            });
            const delivery = await worker.queue.next({ class: 'cpu', waitMs: 5_000 });
            expect((await worker.state.bucket('trial').get('s1.t1'))?.value).toBe(1);
            await worker.events.append('result.s1.t1.0.1', 1, { once: true });
            await delivery?.ack();
            expect(await controller.queue.contents()).toEqual([]);

            await expect(alice.control.request('admin.gc', {})).rejects.toMatchObject({
              code: 'nats_permission_denied',
            });
            await expect(alice.state.bucket('trial').put('s1.t1', 2)).rejects.toMatchObject({
              code: 'nats_permission_denied',
            });
          } finally {
            await Promise.all([controller, worker, alice].map((connection) => connection.close()));
          }
        });

        it('are refused with a wrong one', async () => {
          await expect(connectNats(optionsOf('cli', 'alice', wrong))).rejects.toMatchObject({
            code: 'nats_auth_refused',
          });
        });

        it('are told of a file that holds no credentials', async () => {
          const file = join(strangers, 'nothing');
          writeFileSync(file, 'nothing');

          await expect(connectNats(optionsOf('cli', 'alice', { credsFile: file }))).rejects.toMatchObject({
            code: 'nats_auth_refused',
            kind: 'user',
          });
        });
      });
    },
    config,
  );
}
