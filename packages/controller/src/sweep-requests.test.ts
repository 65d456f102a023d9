import { type SweepId, type SweepSummary, sha256, type TrialDetail, type TrialWhy } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { completes, SMALL, useBench } from './testing/bench.fixtures.js';
import { ended, sweepFile } from './testing/test-deployment.fixtures.js';

const bench = useBench();
const { startWorker, list, show } = bench;

describe('failures', () => {
  test('a trial that fails for passing reasons is tried again with the next attempt', async () => {
    const worker = await startWorker(
      () => (index, attempt) => (index === 0 && attempt < 3 ? { does: 'fail', class: 'infra' } : { does: 'complete' }),
    );

    const { sweep } = await bench.deployment.submit(SMALL);
    const summary = await bench.deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(worker.claims.filter(({ spec }) => spec.index === 0).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  test('a spent budget ends the trial with a result object; the others decide', async () => {
    await startWorker(() => (index) => (index === 0 ? { does: 'fail', class: 'oom-gpu' } : { does: 'complete' }));

    const { sweep } = await bench.deployment.submit(SMALL);
    const summary = await bench.deployment.until(sweep, ended);
    const [trial] = await list(sweep);
    const detail = await bench.deployment.request<TrialDetail>('trials.show', { trial: trial!.trial });

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 3, failed: 1 } });
    expect(detail.result).toMatchObject({
      ending: { state: 'failed' },
      failures: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }],
    });
    expect(summary.finalists).toMatchObject([{ configurationIndex: 1 }]);
  });

  test('a sweep without any complete configuration fails with the reason', async () => {
    await startWorker(() => () => ({ does: 'diverge' }));

    const { sweep } = await bench.deployment.submit(SMALL);

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('no finalist'),
      counts: { diverged: 2 },
    });
  });

  test('a sweep whose report trials all fail has failed, whatever its search completed', async () => {
    await startWorker(
      () => (index) => (index < 2 ? { does: 'complete' } : { does: 'fail', class: 'user', kind: 'user' }),
    );

    const { sweep } = await bench.deployment.submit(SMALL);

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({
      state: 'failed',
      reason: 'no report trial completed',
      counts: { completed: 2, failed: 2 },
    });
  });

  test('retry gives trials a new generation, diverged ones when it names them, and the sweep goes on', async () => {
    let broken = true;
    await startWorker(() => () => (broken ? { does: 'diverge' } : { does: 'complete' }));
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ended);
    broken = false;

    const unnamed = await bench.deployment.request('sweeps.retry', { sweep });
    const answer = await bench.deployment.request('sweeps.retry', { sweep, states: ['diverged'] });
    const summary = await bench.deployment.until(sweep, ended);
    const trials = await list(sweep);
    const board = await bench.deployment.leaderboard(sweep);

    expect([unnamed, answer]).toMatchObject([{ retried: 0 }, { retried: 2 }]);
    expect(board.groups[0]?.rows[0]).toMatchObject({ rank: 1, endings: { completed: 3 }, retried: { diverged: 1 } });
    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4, diverged: 0 } });
    expect(trials.map(({ generation }) => generation)).toEqual([1, 1, 0, 0]);
    expect(trials[0]?.resultKey).toMatch(/\.g1\.json$/);
  });

  test('a worker that is never heard of again loses its trial after the lease', async () => {
    const worker = await startWorker(
      () => (index, attempt) => (index === 0 && attempt === 1 ? { does: 'vanish' } : { does: 'complete' }),
    );

    const { sweep } = await bench.deployment.submit(SMALL);
    const summary = await bench.deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(worker.claims.filter(({ spec }) => spec.index === 0).map(({ attempt }) => attempt).length).toBe(2);
  });
});

describe('pause, resume, cancel', () => {
  test('a paused sweep starts nothing; running trials are released and continue after resume', async () => {
    let hold = true;
    await startWorker(() => () => (hold ? { does: 'hold' } : { does: 'complete' }));
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 2);

    await bench.deployment.request('sweeps.pause', { sweep });
    const paused = await bench.deployment.until(sweep, ({ counts }) => counts.paused === 2);
    const [trial] = await list(sweep);
    const why = await bench.deployment.request<TrialWhy>('trials.why', { trial: trial!.trial });
    hold = false;
    await bench.deployment.request('sweeps.resume', { sweep });
    const summary = await bench.deployment.until(sweep, ended);

    expect(paused).toMatchObject({ state: 'paused', counts: { running: 0, dispatched: 0 } });
    expect(why.reasons[0]?.code).toBe('sweep_paused');
    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4, paused: 0 } });
  });

  test('cancel ends waiting trials at once and running ones when they let go', async () => {
    await startWorker(() => () => ({ does: 'hold' }));
    const { sweep } = await bench.deployment.submit(sweepFile({ limits: 'parallel: 2' }));
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 2);

    await bench.deployment.request('sweeps.cancel', { sweep, now: false });
    const summary = await bench.deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'cancelled', expanded: 2, counts: { cancelled: 2 } });
    expect((await list(sweep))[0]?.reason).toContain('tester');
    expect(await bench.deployment.messaging.queue.contents()).toEqual([]);
  });

  test('cancel --now does not wait for a worker that does not answer', async () => {
    await startWorker(() => () => ({ does: 'vanish' }));
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 2);

    const summary = await bench.deployment.request<SweepSummary>('sweeps.cancel', { sweep, now: true });

    expect(summary.counts).toMatchObject({ cancelled: 2, running: 0 });
    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'cancelled' });
  });

  test('the deadline of a cancel revokes the claim of a worker that does not answer', async () => {
    await startWorker(() => () => ({ does: 'vanish' }));
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 2);

    await bench.deployment.request('sweeps.cancel', { sweep, now: false, deadlineSeconds: 0.2 });

    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'cancelled', counts: { cancelled: 2 } });
  });

  test('submitting a cancelled sweep again takes up what was cancelled', async () => {
    let hold = true;
    await startWorker(() => () => (hold ? { does: 'hold' } : { does: 'complete' }));
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 2);
    await bench.deployment.request('sweeps.cancel', { sweep, now: false });
    await bench.deployment.until(sweep, ended);
    hold = false;

    const again = await bench.deployment.submit(SMALL);

    expect(again).toMatchObject({ sweep, created: false });
    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed', counts: { completed: 4 } });
  });

  test('a sweep that is over cannot be paused', async () => {
    await startWorker(() => completes);
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ended);

    await expect(bench.deployment.request('sweeps.pause', { sweep })).rejects.toMatchObject({
      code: 'wrong_sweep_state',
      kind: 'user',
    });
  });
});

describe('a sweep whose code changed', () => {
  const NEWER = sha256('newer code');
  const newer = { codeVersionOf: () => NEWER };
  const versions = async (sweep: SweepId) =>
    (await bench.deployment.leaderboard(sweep)).groups[0]?.rows[0]?.codeVersions;

  test('is finished with the new code after resume, and the leaderboard tells each code that ran', async () => {
    const lastReportTrial = 3;
    await startWorker(() => (index) => ({ does: index === lastReportTrial ? 'hold' : 'complete' }));
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.completed === 3 && counts.running === 1);
    await bench.restart({ reading: newer });
    await bench.deployment.request('sweeps.resume', { sweep });
    await startWorker(() => completes, { codeVersion: NEWER });

    const summary = await bench.deployment.until(sweep, ended);

    const both = [sha256('code'), NEWER].sort();
    expect(summary).toMatchObject({ state: 'completed', codeChangeAccepted: true, counts: { completed: 4 } });
    expect(await versions(sweep)).toEqual(both);
    await bench.restart({ reading: newer });
    expect(await versions(sweep)).toEqual(both);
  });

  test('has no message left that does not know of the resume', async () => {
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 2);
    await bench.restart({ reading: newer });
    await bench.deployment.request('sweeps.resume', { sweep });
    await startWorker(() => completes, { codeVersion: NEWER });
    await bench.deployment.until(sweep, ended);

    expect((await list(sweep)).flatMap(({ failures }) => failures)).toEqual([]);
  });

  test('gives the numbers of the new code to no sweep of the code it was planned with', async () => {
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.restart({ reading: newer });
    await bench.deployment.request('sweeps.resume', { sweep });
    await startWorker(() => completes, { codeVersion: NEWER });
    await bench.deployment.until(sweep, ended);
    await bench.restart({});

    await startWorker(() => completes);
    const again = await bench.deployment.submit(SMALL.replace('name: toy', 'name: again'));

    expect(await bench.deployment.until(again.sweep, ended)).toMatchObject({ state: 'completed', reused: 0 });
  });
});

describe('looking at trials', () => {
  test('a unique beginning of an id is enough; an ambiguous one names the candidates', async () => {
    await startWorker(() => completes);
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ended);

    const detail = await bench.deployment.request<TrialDetail>('trials.show', { trial: 't000001' });

    expect(detail).toMatchObject({ record: { index: 1, state: 'completed' }, result: { attempt: 1 } });
    await expect(bench.deployment.request('trials.show', { trial: 't0000' })).rejects.toMatchObject({
      code: 'ambiguous_trial',
    });
    await expect(bench.deployment.request('trials.show', { trial: 'x' })).rejects.toMatchObject({
      code: 'unknown_trial',
    });
  });

  test('a dispatched trial waits for slots', async () => {
    const { sweep } = await bench.deployment.submit(sweepFile());
    await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 4);
    const trials = await list(sweep);

    const why = await bench.deployment.request<TrialWhy>('trials.why', { trial: trials[0]!.trial });

    expect(trials).toHaveLength(4);
    expect(why).toMatchObject({ state: 'dispatched', reasons: [{ code: 'in_queue' }] });
  });
});

describe('limits', () => {
  test('no more than limits.parallel trials are ever in flight', async () => {
    let running = 0;
    let most = 0;
    await startWorker(() => () => {
      running += 1;
      most = Math.max(most, running);
      queueMicrotask(() => {
        running -= 1;
      });
      return { does: 'complete' };
    });
    const seen: number[] = [];
    const { sweep } = await bench.deployment.submit(sweepFile({ limits: 'parallel: 1' }));

    await bench.deployment.until(sweep, (summary) => {
      seen.push(summary.counts.running + summary.counts.dispatched);
      return ended(summary);
    });

    expect(Math.max(...seen)).toBe(1);
    expect(most).toBe(1);
  });
});

describe('why a trial waits', () => {
  const why = (trial: string) => bench.deployment.request<TrialWhy>('trials.why', { trial });
  const codes = async (trial: string) => (await why(trial)).reasons.map(({ code }) => code);

  test('one that has no record yet is explained by its plan', async () => {
    const { sweep } = await bench.deployment.submit(sweepFile({ limits: 'parallel: 1' }));
    await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 1);
    const book = bench.deployment.controller.context.books.get(sweep)!;
    const { trial } = book.plan.at(5);

    expect(await why(trial)).toMatchObject({ trial, state: 'queued' });
    expect(await codes(trial)).toContain('parallel');
    await expect(why(book.plan.at(4).trial.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).rejects.toMatchObject({
      code: 'unknown_trial',
    });
  });
});

describe('a sweep whose class has no worker', () => {
  test('says so before any of its trials has a record: in its summary, by trial number, and by class', async () => {
    await bench.restart({ slots: 0 });
    const { sweep } = await bench.deployment.submit(SMALL);
    const noWorkers = { code: 'no_workers', message: 'no worker of class cpu is ready' };

    expect(await list(sweep)).toEqual([]);
    expect((await show(sweep)).waits).toContainEqual(noWorkers);
    expect((await bench.deployment.request<TrialWhy>('trials.why', { trial: 't000001' })).reasons).toContainEqual(
      noWorkers,
    );
    expect(await bench.deployment.request('status', {})).toMatchObject({
      waiting: [{ class: 'cpu', sweeps: 1, reasons: [noWorkers] }],
    });

    await startWorker(() => completes);
    const over = await bench.deployment.until(sweep, ended);
    expect(over).not.toHaveProperty('waits');
    expect(await bench.deployment.request('status', {})).toMatchObject({ waiting: [] });
  });
});

describe('edits while a sweep runs', () => {
  test('parallel and priority, for what waits in the queue too', async () => {
    const { sweep } = await bench.deployment.submit(sweepFile({ limits: 'parallel: 2' }));
    await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 2);

    const changed = await bench.deployment.request<SweepSummary>('sweeps.set', {
      sweep,
      parallel: 3,
      priority: 'high',
    });
    await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 3);

    expect(changed).toMatchObject({ parallel: 3, priority: 'high' });
    const queued = await bench.deployment.messaging.queue.contents();
    expect(queued.map(({ priority }) => priority)).toEqual(['high', 'high', 'high']);
    await bench.deployment.request('sweeps.cancel', { sweep, now: true });
    await bench.deployment.until(sweep, ended);
    await expect(bench.deployment.request('sweeps.set', { sweep, parallel: 9 })).rejects.toMatchObject({
      code: 'wrong_sweep_state',
    });
  });
});
