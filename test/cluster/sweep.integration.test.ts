import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Leaderboard } from '@adctl/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { comparableLeaderboard, comparableResults, run } from '../e2e/adctl.ts';
import { makeToySweep } from '../e2e/toy-sweep.ts';
import { type Cluster, startCluster } from './cluster.ts';

let toy: Awaited<ReturnType<typeof makeToySweep>>;
let cluster: Cluster;
beforeAll(async () => {
  toy = await makeToySweep(2);
  cluster = await startCluster({ ackWaitMs: 5_000 });
});
afterAll(async () => {
  await cluster.close();
  await rm(toy.folder, { recursive: true, force: true });
});

test('a sweep through CLI, NATS, controller, worker and object store has the very numbers of an embedded run', async () => {
  const file = join(toy.folder, toy.file);
  const embedded = await run(['sweep', file, '--local', '--yes', '--json', '--slots', '1'], { cwd: toy.folder });
  expect(embedded.code, embedded.stderr).toBe(0);
  const controller = await cluster.startLeader();
  const worker = cluster.startWorker('w-1');

  const clustered = await cluster.run(['sweep', file, '--yes', '--json']);

  expect(clustered.code, clustered.stderr + controller.log() + worker.log()).toBe(0);
  expect(comparableLeaderboard(clustered.stdout)).toEqual(comparableLeaderboard(embedded.stdout));
  const here = await comparableResults(join(toy.folder, '.adctl/objects'));
  expect(here.size).toBe(4);
  expect(await comparableResults(cluster.objects)).toEqual(here);
  const board = await cluster.run(['leaderboard', '--json']);
  expect(Leaderboard.parse(JSON.parse(board.stdout)).groups).toHaveLength(1);
  expect(worker.log() + controller.log()).not.toContain('nats_permission_denied');
});
