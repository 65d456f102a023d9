import { createFilesystemStore } from '@adctl/storage/filesystem';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { auditSweep } from './audit.ts';
import { runChaos } from './chaos.ts';
import { startCluster } from './cluster.ts';
import { writeNoopSweep } from './noop-sweep.ts';

test('every trial has exactly one result although controllers, workers and the server die and the store refuses', async () => {
  const report = await runChaos({
    trials: 60,
    workers: 3,
    slots: 2,
    controllerKills: 2,
    workerKillEveryMs: 2_000,
    natsRestarts: 1,
    refuse: 0.3,
    ackWaitMs: 3_000,
    epochs: 300, // the sweep must last long enough for everything to die in it
    seed: 20261126,
  });

  expect(report.audit).toMatchObject({ results: 61, problems: [] });
  expect(Math.min(report.kills.workers, report.kills.controllers)).toBeGreaterThan(0);
});

test('the audit finds what was tampered with', async () => {
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
    const before = await audit();
    const keys: string[] = [];
    for await (const { key } of objects.list(`v1/result/${sweep}/`)) keys.push(key);
    const [first = ''] = keys;
    const stored = await objects.get(first);

    // A second object for one trial, as a writer without conditional writes would leave it.
    await objects.put(first.replace(/\.json$/, '.g1.json'), stored?.content ?? new Uint8Array());
    const doubled = await audit();
    await objects.delete(first.replace(/\.json$/, '.g1.json'));
    await objects.delete(first);
    const lost = await audit();

    expect(before).toMatchObject({ results: 2, problems: [] });
    expect(doubled.problems).toContainEqual(expect.stringContaining('has two result objects'));
    expect(lost.problems).toEqual([
      '1 trials have a result object, not 2',
      expect.stringContaining('names another result'),
      expect.stringContaining('names another result'),
    ]);
  } finally {
    await cluster.close();
  }
});
