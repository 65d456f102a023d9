import type { StateBucket } from '@adctl/messaging';
import {
  AdctlError,
  attemptRecordKey,
  type Leaderboard,
  type Lease,
  resultKey,
  type SweepId,
  type SweepSummary,
  sweepSpecKey,
  sweepStatusKey,
  type TrialId,
  type TrialWhy,
  WorkerId,
} from '@adctl/protocol';
import { readIndexHead, readIndexPart } from '@adctl/storage';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { putStatus, toStatus } from './apply/sweep-status.js';
import { NO_MEASURES, type Stranger } from './metrics/metrics.js';
import { loadHeldSweep } from './observe/load-sweeps.js';
import { completes, SMALL, useBench } from './testing/bench.fixtures.js';
import { ended, sweepFile } from './testing/test-deployment.fixtures.js';

const bench = useBench({ ackWaitMs: 400 });
const worker = WorkerId.parse('w-odd');
const OTHER = sweepFile({ name: 'other', learningRates: [0.003], normal: [8] });

let strangers: Stranger[];
const measures = { ...NO_MEASURES, notUnderstood: (what: Stranger) => strangers.push(what) };
beforeEach(async () => {
  strangers = [];
  await bench.restart({ measures });
});

const leases = () => bench.deployment.messaging.state.bucket('lease');
const garbage = (key: string) => bench.deployment.objects.put(key, Buffer.from('{"version":7}'));

/** A sweep whose two trials wait for a worker. */
async function submitted(): Promise<{ readonly sweep: SweepId; readonly trial: TrialId; readonly index: number }> {
  const { sweep } = await bench.deployment.submit(SMALL);
  await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 2);
  const [first] = await bench.list(sweep);
  return { sweep, trial: first!.trial, index: first!.index };
}

async function claim(sweep: SweepId, trial: TrialId): Promise<void> {
  const lease: Lease = { version: 1, attempt: 1, worker, renewedAt: new Date().toISOString() };
  await leases().create(`${sweep}.${trial}`, lease);
  await bench.deployment.until(sweep, ({ counts }) => counts.running === 1);
}

/** Everything else gets done, and the controller is still there. */
async function othersComplete(): Promise<void> {
  const { sweep } = await bench.deployment.submit(OTHER);
  expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
  expect(bench.deployment.controller.stopped.aborted).toBe(false);
}

describe('what a worker writes that cannot be read holds up nobody, also after a restart', () => {
  test('a lease of nothing', async () => {
    const { sweep } = await submitted();
    await leases().put('Bad.key', { attempt: 1 });
    await leases().put('one', 'token');
    await expect.poll(() => strangers).toEqual(['lease', 'lease']);

    await bench.restart({ measures });
    await bench.startWorker(() => completes);

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
    expect(await leases().get('Bad.key')).not.toBeNull();
  });

  test('a lease that is none: it is replaced, and the trial gets done', async () => {
    const { sweep, trial } = await submitted();
    await leases().put(`${sweep}.${trial}`, { attempt: 'three' });
    const replaced = async () => (await leases().get(`${sweep}.${trial}`))?.value;
    await expect.poll(replaced).toMatchObject({ attempt: 1, worker: 'controller', released: true });
    await leases().put(`${sweep}.${trial}`, 'again');
    await expect.poll(replaced).toMatchObject({ attempt: 2, worker: 'controller', released: true });
    await leases().put(`${sweep}.${trial}`, 'and again');

    await bench.restart({ measures, takeOver: false });
    await expect.poll(replaced).toMatchObject({ worker: 'controller', released: true });
    await bench.startWorker(() => completes);

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
  });

  test('a lease that is written over while its trial runs', async () => {
    const { sweep, trial } = await submitted();
    await claim(sweep, trial);
    await leases().put(`${sweep}.${trial}`, []);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 0);
    await bench.startWorker(() => completes);

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
    const [record] = await bench.list(sweep);
    expect(record!.attempt).toBeGreaterThan(1);
    expect(record!.failures).toMatchObject([{ class: 'node-lost' }]);
  });

  test.each(['../x', 'v1/attempt/other-12345678/t000000-12345678/g0-a1.json', ''])(
    'an event that names %o as the record of its attempt',
    async (recordKey) => {
      const { sweep, trial } = await submitted();
      await claim(sweep, trial);
      const about = { version: 1, sweep, trial, generation: 0, attempt: 1 };
      const { events } = bench.deployment.messaging;
      await events.append(`attempt.${sweep}.${trial}.0.1`, { ...about, type: 'attempt', recordKey });
      await expect.poll(() => strangers).toEqual(['event']);
      expect((await bench.list(sweep))[0]).toMatchObject({ state: 'running', failures: [] });

      await bench.restart({ measures });
      await bench.startWorker(() => completes);
      expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
    },
  );

  test('an event that names the result of another trial', async () => {
    const { sweep, trial, index } = await submitted();
    const { events } = bench.deployment.messaging;
    const about = {
      version: 1,
      type: 'result',
      sweep,
      trial,
      generation: 0,
      attempt: 1,
      ending: { state: 'completed' },
    };
    await events.append(`result.${sweep}.${trial}.0.1`, { ...about, resultKey: resultKey(sweep, trial, index, 3) });
    await events.append(`result.${sweep}.${trial}.0.2`, 'not even that');
    await expect.poll(() => strangers).toEqual(['event', 'event']);

    await bench.startWorker(() => completes);
    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
  });

  test('the record of a failed attempt: the trial is tried again', async () => {
    const { sweep, trial } = await submitted();
    await claim(sweep, trial);
    const recordKey = attemptRecordKey(sweep, trial, 0, 1);
    await garbage(recordKey);

    await bench.restart({ measures });
    await bench.startWorker(() => completes);

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
    const [record] = await bench.list(sweep);
    expect(record!.failures).toMatchObject([
      { attempt: 1, class: 'infra', failure: { code: 'attempt_unreadable', details: { key: recordKey } } },
    ]);
    expect(strangers).toEqual(['attempt']);
  });

  test('a result: its trial fails with a reason that names it; a retry gives it another', async () => {
    const { sweep, trial, index } = await submitted();
    await claim(sweep, trial);
    const key = resultKey(sweep, trial, index);
    await garbage(key);

    await bench.restart({ measures });
    await bench.startWorker(() => completes);
    await othersComplete();
    await bench.deployment.until(sweep, ended);

    const failed = (await bench.list(sweep)).find((one) => one.trial === trial);
    expect(failed).toMatchObject({ state: 'failed', reason: expect.stringContaining(key) });
    expect(failed).not.toHaveProperty('resultKey');
    await bench.restart({ measures });
    expect(await bench.deployment.request('trials.show', { sweep, trial })).toMatchObject({
      record: { state: 'failed' },
    });
    expect(await bench.deployment.leaderboard(sweep)).not.toHaveProperty('leftOut');
    await bench.startWorker(() => completes);
    expect(await bench.deployment.request('sweeps.retry', { sweep })).toMatchObject({ retried: 1 });
    await bench.deployment.until(sweep, ended);
    const again = (await bench.list(sweep)).find((one) => one.trial === trial);
    expect(again).toMatchObject({ state: 'completed', generation: 1 });
    expect((await bench.deployment.leaderboard(sweep)).groups[0]?.rows).toMatchObject([{ rank: 1 }]);
    await bench.deployment.controller.context.results.settled();
    const { head } = await readIndexHead(bench.deployment.objects, sweep);
    const rows = await readIndexPart(bench.deployment.objects, head!.parts[0]!);
    expect(rows[0]).toMatchObject({ trial, generation: 1, earlier: ['failed'] });
  });

  test('a result in the way of a cancel', async () => {
    const { sweep, trial, index } = await submitted();
    await garbage(resultKey(sweep, trial, index));

    await bench.deployment.request('sweeps.cancel', { sweep, now: true });
    await bench.deployment.until(sweep, ended);

    expect((await bench.list(sweep)).map(({ state }) => state)).toEqual(['failed', 'cancelled']);
  });
});

describe('a message of another version', () => {
  test('stays for the workers who understand it, is told of once, and holds up nobody', async () => {
    const { sweep } = await submitted();
    const { queue } = bench.deployment.messaging;
    const assignment = JSON.parse('{"version":2,"sweep":"newer-12345678","trial":"t000000-12345678","news":true}');
    await queue.publish({ class: 'gpu', priority: 'normal', messageId: 'newer', assignment });
    await expect.poll(() => strangers).toEqual(['queue-message']);

    await bench.restart({ measures });
    await bench.startWorker(() => completes);

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
    expect(strangers).toEqual(['queue-message', 'queue-message']); // once a start
    expect(await bench.deployment.messaging.queue.contents()).toMatchObject([
      { sweep: 'newer-12345678', class: 'gpu', assignment: undefined },
    ]);
  });
});

describe('a sweep of which something cannot be read is held', () => {
  const listed = async (sweep: SweepId) =>
    (await bench.deployment.request<SweepSummary[]>('sweeps.list', {})).find((one) => one.sweep === sweep);

  test.each([
    ['missing', async (key: string) => bench.deployment.objects.delete(key)],
    ['damaged', async (key: string) => void (await bench.deployment.objects.put(key, Buffer.from('{')))],
  ])('its frozen file is %s: all others go on, and resuming it mends it once the file is back', async (_how, spoil) => {
    const { sweep, trial } = await submitted();
    const key = sweepSpecKey(sweep);
    const frozen = await bench.deployment.objects.get(key);
    await spoil(key);

    await bench.restart({ measures });
    await bench.startWorker(() => completes);
    await othersComplete();

    expect(strangers).toEqual(['sweep']);
    expect(await listed(sweep)).toMatchObject({ state: 'search', problem: expect.stringContaining(key) });
    expect(await bench.show(sweep)).toMatchObject({
      problem: expect.stringContaining(key),
      waits: [{ code: 'sweep_held' }],
    });
    const why = await bench.deployment.request<TrialWhy>('trials.why', { sweep, trial });
    expect(why.reasons).toMatchObject([{ code: 'sweep_held', message: expect.stringContaining(key) }]);
    const board: Leaderboard = await bench.deployment.leaderboard();
    expect(board.leftOut).toMatchObject([{ sweep, reason: expect.stringContaining(key) }]);
    expect(board.groups).toHaveLength(1);
    await expect(bench.deployment.request('sweeps.pause', { sweep })).rejects.toMatchObject({ code: 'sweep_held' });
    await expect(bench.deployment.request('sweeps.resume', { sweep })).rejects.toMatchObject({
      code: 'sweep_unreadable',
    });
    expect(await bench.show(sweep)).toHaveProperty('problem');

    await bench.deployment.objects.put(key, frozen!.content);
    expect(await bench.deployment.request('sweeps.resume', { sweep })).not.toHaveProperty('problem');
    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed', counts: { completed: 4 } });
  });

  test('what its workers finished meanwhile counts, and submitting its file again brings a lost one back', async () => {
    const { sweep } = await submitted();
    await bench.deployment.objects.delete(sweepSpecKey(sweep));
    await bench.restart({ measures });
    const running = await bench.startWorker(() => completes);
    await expect.poll(() => running.claims.length).toBe(2);

    expect(await bench.deployment.submit(SMALL)).toMatchObject({ sweep, created: false });

    const summary = await bench.deployment.until(sweep, ended);
    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(running.claims.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
  });

  test.each(['trial', 'sweep'] as const)(
    'a record in bucket %s, until the next start that can read it',
    async (bucket) => {
      const { sweep, trial } = await submitted();
      const key = bucket === 'trial' ? `${sweep}.${trial}` : sweep;
      const records = () => bench.deployment.messaging.state.bucket(bucket);
      const before = await records().get(key);
      await records().put(key, { version: 9 });

      await bench.restart({ measures });
      await bench.startWorker(() => completes);
      await othersComplete();
      expect(strangers).toEqual(['sweep']);
      expect((await bench.deployment.request<SweepSummary[]>('sweeps.list', {})).length).toBeGreaterThan(0);

      await records().put(key, before!.value);
      await bench.restart({ measures });
      await bench.startWorker(() => completes);
      expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
    },
  );

  test('one that is held is not replaced, and nothing else is cancelled for it', async () => {
    const { sweep } = await submitted();
    await bench.deployment.objects.delete(sweepSpecKey(sweep));
    const second = sweepFile({ learningRates: [0.004], normal: [8] });
    await bench.restart({ measures });
    const { sweep: next } = await bench.deployment.submit(second);

    const third = bench.deployment.submit(sweepFile({ learningRates: [0.005], normal: [8] }), { ifActive: 'replace' });

    await expect(third).rejects.toMatchObject({ code: 'sweep_held', details: { sweep } });
    expect((await bench.show(next)).state).toBe('search');
  });

  test('stays held while its leases cannot be read', async () => {
    const { sweep } = await submitted();
    const spec = await bench.deployment.objects.get(sweepSpecKey(sweep));
    await bench.deployment.objects.delete(sweepSpecKey(sweep));
    await bench.restart({ measures });
    await bench.deployment.objects.put(sweepSpecKey(sweep), spec!.content);
    const { context } = bench.deployment.controller;
    const away = new AdctlError('away', { code: 'controller_unreachable', kind: 'transient' });
    const leases: StateBucket = Object.assign(Object.create(context.leases), { entries: () => Promise.reject(away) });

    await expect(loadHeldSweep({ ...context, leases }, sweep)).rejects.toBe(away);
    expect([context.held.has(sweep), context.books.has(sweep)]).toEqual([true, false]);
    await loadHeldSweep(context, sweep);
    expect([context.held.has(sweep), context.books.has(sweep)]).toEqual([false, true]);
  });

  test('a mistake of ours in one sweep while it runs', async () => {
    const { sweep, trial } = await submitted();
    const { context } = bench.deployment.controller;
    const book = context.books.get(sweep)!;
    Object.defineProperty(book, 'get', {
      value: () => {
        throw new TypeError('a mistake');
      },
    });
    await bench.deployment.messaging.events.append(`release.${sweep}.${trial}.0.1`, {
      ...{ version: 1, type: 'release', sweep, trial, generation: 0, attempt: 1, reason: 'drained' },
    });
    await expect.poll(() => context.held.has(sweep)).toBe(true);

    await bench.startWorker(() => completes);
    await othersComplete();
    expect(await bench.show(sweep)).toMatchObject({ problem: expect.stringContaining('a mistake') });
  });
});

test('a status object that is damaged is written anew', async () => {
  const { sweep } = await submitted();
  const { context } = bench.deployment.controller;
  const { record } = context.books.get(sweep)!;
  const key = sweepStatusKey(sweep);
  await garbage(key);
  const damaged = new AdctlError('damaged', { code: 'object_damaged', kind: 'permanent' });
  vi.spyOn(context.objects, 'get').mockRejectedValueOnce(damaged);

  await putStatus({ ...context, statuses: new Map() }, record);

  expect((await bench.deployment.objects.get(key))?.content).toEqual(Buffer.from(toStatus(record)));
});
