import { SweepSummary, TrialSummary, TrialWhy } from '@adctl/protocol';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type Cluster, startCluster } from './cluster.ts';
import { writeNoopSweep } from './noop-sweep.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ ackWaitMs: 5_000, env: { ADCTL_TRAINER: 'noop' } });
  await cluster.startLeader();
});
afterAll(() => cluster.close());

async function ask<T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await cluster.run([...args, '--json']);
  expect(code, stderr + stdout).toBe(0);
  return schema.parse(JSON.parse(stdout));
}

/** Resolves once the sweep's first trial satisfies the condition. */
function untilTrial(sweep: string, condition: (trial: TrialSummary) => boolean): Promise<TrialSummary> {
  return vi.waitFor(
    async () => {
      const [trial] = await ask(z.array(TrialSummary), 'trials', 'list', '--sweep', sweep);
      if (trial === undefined || !condition(trial)) throw new Error(`the trial is ${trial?.state}`);
      return trial;
    },
    { timeout: 60_000, interval: 200 },
  );
}

test('orders of a person reach the worker: pause, resume, cancel; and why says what a trial waits for', async () => {
  const file = await writeNoopSweep(cluster.folder, { name: 'ordered', epochs: 10_000 });
  const accepted = await ask(
    z.object({ accepted: z.object({ sweep: z.string() }) }),
    ...['sweep', file, '--detach', '--priority', 'high'],
  );
  const { sweep } = accepted.accepted;
  const worker = cluster.startWorker('w-1');
  const { trial } = await untilTrial(sweep, ({ state }) => state === 'running');

  await ask(SweepSummary, 'sweeps', 'pause', sweep);
  const paused = await untilTrial(sweep, ({ state }) => state === 'paused');
  const why = await ask(TrialWhy, 'trials', 'why', trial);
  await ask(SweepSummary, 'sweeps', 'resume', sweep);
  const resumed = await untilTrial(sweep, ({ state }) => state === 'running');
  await ask(SweepSummary, 'sweeps', 'cancel', sweep);
  const cancelled = await untilTrial(sweep, ({ state }) => state === 'cancelled');
  const ended = await ask(SweepSummary, 'sweeps', 'show', sweep);

  expect(paused.failures).toEqual([]);
  expect(why.reasons[0]?.message).toMatch(/paused/);
  expect(resumed.attempt).toBeGreaterThan(paused.attempt);
  expect(cancelled.failures).toEqual([]);
  expect(ended).toMatchObject({ owner: 'alice', priority: 'high', state: 'cancelled' });
  expect(worker.child.exitCode).toBeNull();
});
