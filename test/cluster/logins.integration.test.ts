import { expect, test } from 'vitest';
import { credsLogins, passwordLogins } from '../../packages/messaging/src/nats/logins.fixtures.ts';
import { startCluster } from './cluster.ts';
import { writeNoopSweep } from './noop-sweep.ts';

test.each([
  ['a user name and a password file, in an account', passwordLogins],
  ['a .creds file, in operator mode', credsLogins],
])('controller, worker and CLI log in with %s', async (_what, makeLogins) => {
  const cluster = await startCluster({ ackWaitMs: 5_000, env: { ADCTL_TRAINER: 'noop' }, makeLogins });
  try {
    const file = await writeNoopSweep(cluster.folder, { name: 'small', epochs: 3 });
    const controller = await cluster.startLeader();
    const worker = cluster.startWorker('w-1');

    const swept = await cluster.run(['sweep', file, '--yes']);
    const doctor = await cluster.run(['doctor', '--json']);

    expect(swept.code, swept.stderr + controller.log() + worker.log()).toBe(0);
    expect(doctor.code, doctor.stdout).toBe(0);
    expect(worker.log() + controller.log()).not.toContain('nats_permission_denied');
  } finally {
    await cluster.close();
  }
});
