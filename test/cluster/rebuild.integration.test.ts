import type { Messaging } from '@adctl/messaging';
import {
  isFinal,
  Leaderboard,
  RebuildProgress,
  SweepRecord,
  SweepSummary,
  type TrialRecord,
  type TrialResult,
} from '@adctl/protocol';
import { readHead, readResult } from '@adctl/storage';
import { expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { connectAsController, readRecords } from './audit.ts';
import { ADMIN, type Cluster } from './cluster.ts';
import { type ClusterOnS3, startClusterOnS3 } from './cluster-on-s3.ts';
import { writeNoopSweep } from './noop-sweep.ts';

/** More epochs than the timeout leaves time for. */
const TOO_LONG = 10_000;
/** Some seconds each: two slots are not through with them when the first one has failed twice. */
const OPEN = Array.from({ length: 12 }, (_, index) => 1_500 + index);
const HALFWAY = 750;
const TRIAL_TIMEOUT = '6s';

async function submit(cluster: Cluster, name: string, epochs: readonly number[], limits: string): Promise<string> {
  const file = await writeNoopSweep(cluster.folder, { name, epochs, limits });
  const { stdout, stderr, code } = await cluster.run(['sweep', file, '--detach', '--yes', '--json']);
  expect(code, stderr).toBe(0);
  return z.object({ accepted: z.object({ sweep: z.string() }) }).parse(JSON.parse(stdout)).accepted.sweep;
}

async function ask<T>(cluster: Cluster, schema: z.ZodType<T>, ...args: string[]): Promise<T> {
  const { stdout, stderr, code } = await cluster.run([...args, '--json']);
  expect(code, stderr).toBe(0);
  return schema.parse(JSON.parse(stdout));
}

async function resultsOf({ objects }: ClusterOnS3, sweep: string): Promise<Map<string, TrialResult>> {
  const results = new Map<string, TrialResult>();
  for await (const { key } of objects.list(`v1/result/${sweep}/`)) {
    const result = await readResult(objects, key);
    if (result !== null) results.set(key, result);
  }
  return results;
}

/** What a record says of a trial, without what is known of live ones only: when it waited, and who leads. */
function factsOf({ queuedAt, dispatchedAt, startedAt, queueSequence, term, ...facts }: TrialRecord) {
  return facts;
}

async function sweepRecord({ state }: Messaging, sweep: string) {
  const { term, expanded, ...facts } = SweepRecord.parse((await state.bucket('sweep').get(sweep))?.value);
  return facts;
}

test('what JetStream lost is made again from S3 alone: records and leaderboard are the same, and the sweep goes on', async () => {
  const env = { ADCTL_TRAINER: 'noop', ADCTL_CHECKPOINT_SECONDS: '0' };
  const onS3 = await startClusterOnS3({ ackWaitMs: 3_000, env });
  onTestFinished(() => onS3.close());
  const { cluster } = onS3;
  await (await cluster.startLeader()).remove();
  const controller = await cluster.startLeader(); // in a term that is higher than the first one after the loss
  const worker = cluster.startWorker('w-before', { ADCTL_SLOTS: '2' });
  const over = await submit(cluster, 'over', [1, 2], 'parallel: 8');
  expect((await cluster.run(['sweeps', 'watch', over])).code).toBe(0);
  const open = await submit(cluster, 'open', [TOO_LONG, 1, 2, ...OPEN], `parallel: 2, trialTimeout: ${TRIAL_TIMEOUT}`);

  // One trial has failed for good, others have completed, one is in the middle with a checkpoint behind it, others wait.
  const messaging = await connectAsController(cluster);
  const records = () => readRecords(messaging, open);
  const interrupted = await vi.waitFor(
    async () => {
      const all = await records();
      expect(all.map(({ state }) => state)).toEqual(expect.arrayContaining(['failed', 'completed', 'running']));
      for (const { state, sweep, trial, attempt } of all) {
        if (state !== 'running') continue;
        const { head } = await readHead(onS3.objects, sweep, trial);
        if (head !== null && head.step < HALFWAY) return { trial, attempt };
      }
      throw new Error('no trial is in the middle');
    },
    { timeout: 120_000, interval: 100 },
  );
  await worker.remove();
  // What the worker said last is folded, and what it left behind is found, before anything is compared.
  await vi.waitFor(
    async () => {
      const finals = (await records()).filter(({ state }) => isFinal(state));
      expect([...(await resultsOf(onS3, open)).keys()].sort()).toEqual(finals.map(({ resultKey }) => resultKey).sort());
    },
    { timeout: 60_000, interval: 100 },
  );
  const before = {
    over: [await sweepRecord(messaging, over), (await readRecords(messaging, over)).map(factsOf)],
    open: await sweepRecord(messaging, open),
    finals: (await records()).filter(({ state }) => isFinal(state)).map(factsOf),
    leaderboard: await ask(cluster, Leaderboard, 'leaderboard'),
  };
  expect(before.leaderboard.groups.flatMap(({ rows }) => rows)).not.toEqual([]);
  await messaging.close();
  await controller.remove();

  await cluster.nats.lose();
  await cluster.nats.start();
  await cluster.startLeader();
  expect(await ask(cluster, z.array(SweepSummary), 'sweeps', 'list')).toEqual([]);
  const rebuilt = await ask(cluster, RebuildProgress, 'admin', 'rebuild', '--context', ADMIN);

  expect(rebuilt).toMatchObject({ state: 'done', sweeps: 2, sweepsCreated: 2, unreadable: [] });
  const now = await connectAsController(cluster);
  onTestFinished(() => now.close());
  const after = {
    over: [await sweepRecord(now, over), (await readRecords(now, over)).map(factsOf)],
    open: await sweepRecord(now, open),
    finals: (await readRecords(now, open)).filter(({ state }) => isFinal(state)).map(factsOf),
    leaderboard: await ask(cluster, Leaderboard, 'leaderboard'),
  };
  expect(after).toEqual(before);

  cluster.startWorker('w-after', { ADCTL_SLOTS: '2' });
  const watched = await cluster.run(['sweeps', 'watch', open]);
  expect(watched.code, watched.stderr).toBe(1); // one of its trials had failed
  const results = [...(await resultsOf(onS3, open)).values()];
  const endings = results
    .map(({ spec, ending }) => [spec.index, ending.state])
    .sort(([a], [b]) => Number(a) - Number(b));
  expect(endings).toEqual([[0, 'failed'], ...Array.from({ length: OPEN.length + 3 }, (_, i) => [i + 1, 'completed'])]);
  const status = await onS3.objects.get(`v1/sweep/${open}.json`);
  expect(JSON.parse(Buffer.from(status?.content ?? []).toString())).toMatchObject({ state: 'completed' });
  const failed = results.find(({ ending }) => ending.state === 'failed');
  expect(failed?.failures.map(({ class: name }) => name)).toEqual(['timeout', 'timeout']);
  // Whoever trained it next went on from its checkpoint, under a number that nobody had before.
  const resumed = results.find(({ spec }) => spec.trial === interrupted.trial);
  expect(resumed).toMatchObject({ worker: 'w-after', attempt: interrupted.attempt + 1, steps: 2 });
}, 300_000);
