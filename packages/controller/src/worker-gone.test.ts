import { Lease, type SweepId, WorkerId } from '@adctl/protocol';
import { expect, test } from 'vitest';
import { useBench } from './testing/bench.fixtures.js';
import { sweepFile } from './testing/test-deployment.fixtures.js';

const bench = useBench();
/** One search trial. */
const ONE = sweepFile({ learningRates: [0.001], normal: [8], seeds: { search: 1, report: 1, finalists: 1 } });
const MANY = sweepFile({ learningRates: Array.from({ length: 20 }, (_, index) => (index + 1) / 1_000), normal: [8] });

/** Takes the trial from the queue and claims it, as a worker does that is then heard of no more. */
async function claimAs(worker: WorkerId, sweep: SweepId, running = 1): Promise<void> {
  const { messaging } = bench.deployment;
  const delivery = await messaging.queue.next({ class: 'cpu', waitMs: 10_000 });
  const key = `${sweep}.${delivery!.assignment.trial}`;
  const leases = messaging.state.bucket('lease');
  const held = await leases.get(key);
  const attempt = held === null ? 1 : Lease.parse(held.value).attempt + 1;
  const lease: Lease = { version: 1, attempt, worker, renewedAt: new Date().toISOString() };
  const written = held === null ? leases.create(key, lease) : leases.update(key, lease, held.revision);
  expect(await written).not.toBeNull();
  await bench.deployment.until(sweep, ({ counts }) => counts.running === running);
}

const classesOf = async (sweep: SweepId) => {
  const [trial] = await bench.list(sweep);
  return trial?.failures.map(({ class: one, failure }) => `${one} ${failure.code}`);
};

test('a trial whose worker is killed for its memory ends by the budget of memory, with its pauses', async () => {
  const { sweep } = await bench.deployment.submit(ONE);
  const { workerGone } = bench.deployment.controller;

  await claimAs(WorkerId.parse('w-1'), sweep);
  await workerGone(WorkerId.parse('w-1'), 'oom-host');
  const [waiting] = await bench.list(sweep);
  for (const worker of ['w-2', 'w-3'].map((name) => WorkerId.parse(name))) {
    await claimAs(worker, sweep);
    await workerGone(worker, 'oom-host');
  }
  const summary = await bench.deployment.until(sweep, ({ state }) => state === 'failed');

  expect(waiting).toMatchObject({ state: 'queued', reason: 'worker w-1 was killed for its memory' });
  expect(waiting?.notBefore).toBeDefined();
  expect(await classesOf(sweep)).toEqual(Array.from({ length: 3 }, () => 'oom-host worker_out_of_memory'));
  expect(summary.counts.failed).toBe(1);
});

test('a trial whose worker is evicted waits for nothing and uses no budget up', async () => {
  const { sweep } = await bench.deployment.submit(ONE);

  for (const worker of ['w-1', 'w-2', 'w-3', 'w-4'].map((name) => WorkerId.parse(name))) {
    await claimAs(worker, sweep);
    await bench.deployment.controller.workerGone(worker, 'preempted');
  }

  expect(await classesOf(sweep)).toEqual(Array.from({ length: 4 }, () => 'preempted worker_lost'));
  const [trial] = await bench.list(sweep);
  expect(trial?.notBefore).toBeUndefined();
});

test('trials that run beyond the slots of living workers leave the window to others', async () => {
  await bench.restart({ ackWaitMs: 60_000 }); // no claim runs out meanwhile
  const { sweep } = await bench.deployment.submit(MANY); // two slots are known, so that four trials are dispatched
  for (const running of [1, 2, 3, 4]) await claimAs(WorkerId.parse(`w-${running}`), sweep, running);

  const { counts } = await bench.deployment.until(sweep, ({ counts: { dispatched } }) => dispatched > 1);

  expect(counts).toMatchObject({ running: 4, dispatched: 2 });
});
