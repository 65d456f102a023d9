import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { untilTold } from '../e2e/adctl.ts';
import { auditSweep } from './audit.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { writeNoopSweep } from './noop-sweep.ts';

const TRIALS = 36;
/** A trial trains for about a second, so that some train whenever a server dies. */
const EPOCHS = 1_000;
/** Results that show that the cluster works with two of its servers. */
const SOME = 4;

let cluster: Cluster;
beforeAll(async () => {
  // A lease outlives an election, which takes 6 to 8 s on busy cores.
  cluster = await startCluster({ ackWaitMs: 20_000, natsServers: 3, env: { ADCTL_TRAINER: 'noop' } });
});
afterAll(() => cluster.close());

async function countResults(sweep: string): Promise<number> {
  const files = await readdir(join(cluster.objects, 'v1/result'), { recursive: true }).catch(() => []);
  return files.filter((name) => name.startsWith(sweep) && name.endsWith('.json')).length;
}

test('a sweep loses nothing, and nobody ends, although each of three nats-servers dies in turn', async () => {
  const processes = [
    await cluster.startLeader(),
    cluster.startController(),
    cluster.startWorker('w-1'),
    cluster.startWorker('w-2'),
  ];
  const ends = vi.fn();
  for (const { ended, log } of processes) void ended.then((code) => ends(code, log().slice(-4_000)));
  const learningRates = Array.from({ length: TRIALS }, (_, index) => (index + 1) / 1_000_000);
  const file = await writeNoopSweep(cluster.folder, { name: 'servers', epochs: EPOCHS, learningRates });
  const submitted = await cluster.run(['sweep', file, '--yes', '--detach', '--json']);
  expect(submitted.code, submitted.stderr).toBe(0);
  const { accepted } = z.object({ accepted: z.object({ sweep: z.string() }) }).parse(JSON.parse(submitted.stdout));
  const { sweep } = accepted;
  const watching = cluster.start(['sweeps', 'watch', sweep]);
  await untilTold(watching, 'epoch ');

  for (const server of cluster.natsServers) {
    await server.kill();
    const before = await countResults(sweep);
    await vi.waitFor(async () => expect(await countResults(sweep)).toBeGreaterThanOrEqual(before + SOME), {
      timeout: 60_000,
      interval: 200,
    });
    await server.start();
  }

  const watched = await watching.finished;
  expect(watched.code, watched.stderr).toBe(0);
  expect(ends.mock.calls).toEqual([]);
  const objects = createFilesystemStore(cluster.objects);
  const audit = await auditSweep(cluster, { sweep, trials: TRIALS + 1, objects });
  expect(audit.problems).toEqual([]);
});
