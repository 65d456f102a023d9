import { connectNats } from '@adctl/messaging/nats';
import { TrialResult } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { auditSweep, connectAsController } from './audit.ts';
import { runChaos } from './chaos.ts';
import { startCluster } from './cluster.ts';
import { writeNoopSweep } from './noop-sweep.ts';

test('every trial has exactly one result although controllers, workers and the server die and the store refuses', async () => {
  const report = await runChaos({
    trials: 60,
    workers: 3,
    slots: 2,
    controllers: 2,
    controllerKills: 2,
    workerKillEveryMs: 2_000,
    natsServers: 1,
    natsRestarts: 1,
    refuse: 0.3,
    ackWaitMs: 3_000,
    epochs: 300, // the sweep must last long enough for everything to die in it
    seed: 20261126,
  });

  expect(report.audit).toMatchObject({ results: 61, problems: [] });
  expect(Math.min(report.kills.workers, report.kills.controllers)).toBeGreaterThan(0);
  expect(report.fillAgainMs.length).toBeGreaterThan(0);
});

test('the audit finds what was tampered with, of each witness', async () => {
  const cluster = await startCluster({ ackWaitMs: 5_000, env: { ADCTL_TRAINER: 'noop' } });
  try {
    await cluster.startLeader();
    cluster.startWorker('w-1');
    const file = await writeNoopSweep(cluster.folder, { name: 'audited', epochs: 1 });
    const { stdout, stderr, code } = await cluster.run(['sweep', file, '--json']);
    expect(code, stderr).toBe(0);
    const { sweep } = z.object({ accepted: z.object({ sweep: z.string() }) }).parse(JSON.parse(stdout)).accepted;
    const objects = createFilesystemStore(cluster.objects);
    const audit = () => auditSweep(cluster, { sweep, trials: 2, objects });
    const untouched = await audit();
    const [{ key: first } = { key: '' }] = await collect(objects.list(`v1/result/${sweep}/`));
    const stored = await objects.get(first);
    const { trial } = TrialResult.parse(JSON.parse(Buffer.from(stored?.content ?? []).toString())).spec;
    const messaging = await connectAsController(cluster);
    const records = messaging.state.bucket('trial');
    const record = await records.get(`${sweep}.${trial}`);
    const events = await collect(messaging.events.read(`result.${sweep}.${trial}.>`));

    // A second object for one trial, as a writer without conditional writes would leave it.
    await objects.put(first.replace(/\.json$/, '.g1.json'), stored?.content ?? new Uint8Array());
    const doubled = await audit();
    await objects.delete(first.replace(/\.json$/, '.g1.json'));

    await messaging.events.purge(`result.${sweep}.${trial}.>`);
    const untold = await audit();
    await messaging.events.appendAll(events);

    await records.delete(`${sweep}.${trial}`);
    const unrecorded = await audit();
    await records.put(`${sweep}.${trial}`, record?.value);
    const mended = await audit();

    await objects.delete(first);
    const lost = await audit();
    await messaging.events.purge('result.>');
    const silent = await audit();
    await messaging.close();

    expect([untouched, mended]).toMatchObject(Array(2).fill({ results: 2, problems: [] }));
    expect(doubled.problems).toContainEqual(expect.stringContaining('has two result objects'));
    expect(untold.problems).toEqual([`no event tells of the result of ${trial}`]);
    expect(unrecorded.problems).toEqual(['1 trials have a record, not 2', `${trial} has no record`]);
    expect(lost.problems).toEqual([
      '1 trials have a result object, not 2',
      `the record of ${trial} names another result`,
      `an event of attempt 1 of ${trial} names another result`,
    ]);
    expect(silent.problems).toContainEqual(expect.stringContaining('no event tells of the result of'));
  } finally {
    await cluster.close();
  }
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('the audit finds a trial whose message a zombie has acked, and a new controller mends it', async () => {
  const cluster = await startCluster({ ackWaitMs: 3_000, env: { ADCTL_TRAINER: 'noop' } });
  try {
    const controller = await cluster.startLeader();
    const worker = cluster.startWorker('w-1', { ADCTL_SLOTS: '1' });
    const options = { name: 'zombie', epochs: 3_000, learningRates: [0.001, 0.002] };
    const file = await writeNoopSweep(cluster.folder, options);
    const { stdout, stderr, code } = await cluster.run(['sweep', file, '--detach', '--yes', '--json']);
    expect(code, stderr).toBe(0);
    const { sweep } = z.object({ accepted: z.object({ sweep: z.string() }) }).parse(JSON.parse(stdout)).accepted;
    const objects = createFilesystemStore(cluster.objects);
    const lost = async () =>
      (await auditSweep(cluster, { sweep, trials: 3, objects })).problems.filter((problem) => problem.includes('lost'));

    // The worker trains one of the two trials; the other is handed to somebody who never claims it.
    const zombie = await connectNats({
      servers: [`nats://${cluster.nats.url}`],
      role: 'worker',
      identity: 'zombie',
      inboxPrefix: `_INBOX_${cluster.poolIdentity}.zombie`,
      credentials: { nkeySeedFile: cluster.poolSeedFile },
    });
    const delivery = await zombie.queue.next({ class: 'cpu', waitMs: 20_000 });
    await Promise.all([controller.remove(), worker.remove()]);
    expect(await lost()).toEqual([]);
    await delivery?.ack();
    expect(await lost()).toEqual([expect.stringContaining(`${delivery?.assignment.trial} is lost`)]);
    await zombie.close();

    await cluster.startLeader();
    cluster.startWorker('w-2', { ADCTL_SLOTS: '2' });
    const ended = await cluster.run(['sweeps', 'watch', sweep, '--json']);
    expect(ended.code, ended.stderr).toBe(0);
    expect(await auditSweep(cluster, { sweep, trials: 3, objects })).toMatchObject({ results: 3, problems: [] });
  } finally {
    await cluster.close();
  }
});
