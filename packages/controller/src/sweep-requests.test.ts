import {
  AdctlError,
  type SweepAccepted,
  type SweepId,
  type SweepSummary,
  type TrialDetail,
  type TrialSummary,
  type TrialWhy,
} from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { submitSweep } from './intake.js';
import { submissionOf } from './submission.js';
import { type Script, type ScriptedWorker, startScriptedWorker } from './testing/scripted-worker.fixtures.js';
import {
  ended,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
  testReading,
} from './testing/test-deployment.fixtures.js';

let folder: ReturnType<typeof temporaryDirectory>;
let deployment: TestDeployment;
let stop: AbortController;

beforeEach(async () => {
  folder = temporaryDirectory();
  stop = new AbortController();
  deployment = await startDeployment({ directory: folder.directory, ackWaitMs: 1_000 });
});

afterEach(async () => {
  stop.abort();
  await deployment.close();
  folder.remove();
});

/** A worker whose script may be changed while it runs. */
async function startWorker(script: () => (index: number, attempt: number) => Script): Promise<ScriptedWorker> {
  return startScriptedWorker({
    ...deployment,
    ackWaitMs: 1_000,
    signal: stop.signal,
    script: ({ index }, attempt) => script()(index, attempt),
  });
}
const completes = (): Script => ({ does: 'complete' });
const list = (sweep: SweepId) => deployment.request<TrialSummary[]>('trials.list', { sweep });
const show = (sweep: SweepId) => deployment.request<SweepSummary>('sweeps.show', { sweep });
/** Two configurations of one class: 2 search and 2 report trials. */
const SMALL = sweepFile({ learningRates: [0.001, 0.002], normal: [8], seeds: { search: 1, report: 2, finalists: 1 } });

describe('submitting', () => {
  test('the same file twice is the same sweep, also after its end', async () => {
    const first = await deployment.submit(SMALL);
    const second = await deployment.submit(SMALL);
    await startWorker(() => completes);
    await deployment.until(first.sweep, ended);
    const third = await deployment.submit(SMALL);

    expect([second, third].map(({ sweep, created }) => [sweep, created])).toEqual([
      [first.sweep, false],
      [first.sweep, false],
    ]);
    expect(await deployment.request<SweepSummary[]>('sweeps.list', {})).toHaveLength(1);
    expect(await show(first.sweep)).toMatchObject({ state: 'completed', counts: { completed: 4 } });
  });

  test('identical trials are reused, visibly, and --fresh trains them again', async () => {
    const worker = await startWorker(() => completes);
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);
    const claimed = worker.claims.length;

    const renamed = await deployment.submit(SMALL.replace('name: toy', 'name: again'));
    const summary = await deployment.until(renamed.sweep, ended);
    const trials = await list(renamed.sweep);

    expect(worker.claims).toHaveLength(claimed);
    expect(summary).toMatchObject({ state: 'completed', reused: 4, counts: { completed: 4 } });
    expect(trials.every(({ reusedFrom, attempt }) => reusedFrom?.sweep === sweep && attempt === 0)).toBe(true);
    const detail = await deployment.request<TrialDetail>('trials.show', {
      trial: trials[0]!.trial,
      sweep: renamed.sweep,
    });
    expect(detail.result).toMatchObject({ reusedFrom: { sweep }, spec: { sweep: renamed.sweep } });
    const own = await deployment.leaderboard(renamed.sweep);
    expect(own.groups[0]?.rows[0]?.auroc).toEqual((await deployment.leaderboard(sweep)).groups[0]?.rows[0]?.auroc);

    const fresh = await deployment.submit(SMALL, { fresh: true });
    await deployment.until(fresh.sweep, ended);

    expect(fresh.sweep).not.toBe(sweep);
    expect(worker.claims).toHaveLength(2 * claimed);
  });

  test('while a sweep of the name is active: join another file, skip, or fail', async () => {
    const { sweep } = await deployment.submit(SMALL);
    const other = SMALL.replace('0.002', '0.003');

    const skipped = await deployment.submit(other, { ifActive: 'skip' });
    await expect(deployment.submit(other, { ifActive: 'fail' })).rejects.toMatchObject({ code: 'sweep_active' });
    const joined = await deployment.submit(other);

    expect(skipped).toMatchObject({ sweep, skipped: true, created: false });
    expect(joined.created).toBe(true);
  });

  test('one idempotency key is one sweep, even if the file changed', async () => {
    const request = {
      version: 1,
      file: 'f',
      directory: '.',
      fresh: false,
      ifActive: 'join',
      priority: 'normal',
      idempotencyKey: 'k',
    };

    const first = await deployment.request<SweepAccepted>('sweeps.submit', { ...request, source: SMALL });
    const second = await deployment.request<SweepAccepted>('sweeps.submit', {
      ...request,
      source: SMALL.replace('0.002', '0.9'),
    });

    expect(second).toMatchObject({ sweep: first.sweep, created: false });
  });

  test('five mistakes of five kinds come out at once and nothing is stored', async () => {
    const broken = SMALL.replace('method: dae', 'method: dae\ncolour: red')
      .replace('one-class', 'one-clas')
      .replace('normal: [8]', 'normal: [88]')
      .replace(
        'learningRate: { values: [0.001, 0.002] }',
        'learnRate: { values: [0.1] }\n    batchSize: { values: [-4] }',
      );

    const error = await deployment.submit(broken).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(AdctlError);
    const { code, details } = error as AdctlError;
    expect(code).toBe('invalid_sweep');
    const issues = details.issues as { line: number; column: number; message: string; suggestion?: string }[];
    expect(issues.map(({ message }) => message)).toEqual([
      expect.stringContaining('colour'),
      expect.stringContaining('one-clas'),
      expect.stringContaining("'88'"),
      expect.stringContaining('learnRate'),
      expect.stringContaining('batchSize'),
    ]);
    expect(issues.every(({ line, column }) => line > 1 && column > 0)).toBe(true);
    expect(issues[1]?.suggestion).toContain('one-class');
    expect(issues[3]?.suggestion).toContain('learningRate');
    expect(await deployment.request('sweeps.list', {})).toEqual([]);
  });

  test('without search seeds every configuration is reported, and too many of them are refused with their number', async () => {
    const all = sweepFile({
      learningRates: [0.001, 0.002],
      normal: [8],
      seeds: { search: 0, report: 2, finalists: 2 },
    });
    await expect(deployment.submit(all.replace('finalists: 2', 'finalists: 1'))).rejects.toThrow(
      /dae has 2 configurations, seeds.finalists keeps 1/,
    );
    const { sweep, searchTrials, reportTrials } = await deployment.submit(all);
    await startWorker(() => completes);
    await deployment.until(sweep, ended);

    expect({ searchTrials, reportTrials }).toEqual({ searchTrials: 0, reportTrials: 4 });
    expect((await list(sweep)).map(({ phase, state }) => [phase, state])).toEqual(
      Array.from({ length: 4 }, () => ['report', 'completed']),
    );
    expect((await show(sweep)).finalists?.map(({ objective }) => objective)).toEqual([null, null]);
  });

  test('more trials than limits.maxTrials are refused with the number', async () => {
    await expect(deployment.submit(SMALL.replace('maxTrials: 1000000', 'maxTrials: 3'))).rejects.toThrow(/4 trials/);
  });

  test('a payload that is not a request is a user error', async () => {
    await expect(deployment.request('sweeps.show', { sweep: 7 })).rejects.toMatchObject({
      code: 'bad_request',
      kind: 'user',
    });
    await expect(deployment.request('sweeps.show', { sweep: 'nobody' })).rejects.toMatchObject({
      code: 'unknown_sweep',
    });
  });
});

describe('failures', () => {
  test('a trial that fails for passing reasons is tried again with the next attempt', async () => {
    const worker = await startWorker(
      () => (index, attempt) => (index === 0 && attempt < 3 ? { does: 'fail', class: 'infra' } : { does: 'complete' }),
    );

    const { sweep } = await deployment.submit(SMALL);
    const summary = await deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(worker.claims.filter(({ spec }) => spec.index === 0).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  test('a spent budget ends the trial with a result object; the others decide', async () => {
    await startWorker(() => (index) => (index === 0 ? { does: 'fail', class: 'oom-gpu' } : { does: 'complete' }));

    const { sweep } = await deployment.submit(SMALL);
    const summary = await deployment.until(sweep, ended);
    const [trial] = await list(sweep);
    const detail = await deployment.request<TrialDetail>('trials.show', { trial: trial!.trial });

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 3, failed: 1 } });
    expect(detail.result).toMatchObject({
      ending: { state: 'failed' },
      failures: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }],
    });
    expect(summary.finalists).toMatchObject([{ configurationIndex: 1 }]);
  });

  test('a sweep without any complete configuration fails with the reason', async () => {
    await startWorker(() => () => ({ does: 'diverge' }));

    const { sweep } = await deployment.submit(SMALL);

    expect(await deployment.until(sweep, ended)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('no finalist'),
      counts: { diverged: 2 },
    });
  });

  test('retry gives failed trials a new generation and the sweep goes on', async () => {
    let broken = true;
    await startWorker(() => () => (broken ? { does: 'diverge' } : { does: 'complete' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);
    broken = false;

    const answer = await deployment.request('sweeps.retry', { sweep });
    const summary = await deployment.until(sweep, ended);
    const trials = await list(sweep);

    expect(answer).toEqual({ retried: 2 });
    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4, diverged: 0 } });
    expect(trials.map(({ generation }) => generation)).toEqual([1, 1, 0, 0]);
    expect(trials[0]?.resultKey).toMatch(/\.g1\.json$/);
  });

  test('a worker that is never heard of again loses its trial after the lease', async () => {
    const worker = await startWorker(
      () => (index, attempt) => (index === 0 && attempt === 1 ? { does: 'vanish' } : { does: 'complete' }),
    );

    const { sweep } = await deployment.submit(SMALL);
    const summary = await deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(worker.claims.filter(({ spec }) => spec.index === 0).map(({ attempt }) => attempt).length).toBe(2);
  });
});

describe('pause, resume, cancel', () => {
  test('a paused sweep starts nothing; running trials are released and continue after resume', async () => {
    let hold = true;
    await startWorker(() => () => (hold ? { does: 'hold' } : { does: 'complete' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 2);

    await deployment.request('sweeps.pause', { sweep });
    const paused = await deployment.until(sweep, ({ counts }) => counts.paused === 2);
    const [trial] = await list(sweep);
    const why = await deployment.request<TrialWhy>('trials.why', { trial: trial!.trial });
    hold = false;
    await deployment.request('sweeps.resume', { sweep });
    const summary = await deployment.until(sweep, ended);

    expect(paused).toMatchObject({ state: 'paused', counts: { running: 0, dispatched: 0 } });
    expect(why.reasons[0]?.code).toBe('sweep_paused');
    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4, paused: 0 } });
  });

  test('cancel ends waiting trials at once and running ones when they let go', async () => {
    await startWorker(() => () => ({ does: 'hold' }));
    const { sweep } = await deployment.submit(sweepFile({ limits: 'parallel: 2' }));
    await deployment.until(sweep, ({ counts }) => counts.running === 2);

    await deployment.request('sweeps.cancel', { sweep, now: false });
    const summary = await deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'cancelled', expanded: 2, counts: { cancelled: 2 } });
    expect((await list(sweep))[0]?.reason).toContain('tester');
    expect(await deployment.messaging.queue.contents()).toEqual([]);
  });

  test('cancel --now does not wait for a worker that does not answer', async () => {
    await startWorker(() => () => ({ does: 'vanish' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 2);

    const summary = await deployment.request<SweepSummary>('sweeps.cancel', { sweep, now: true });

    expect(summary.counts).toMatchObject({ cancelled: 2, running: 0 });
    expect(await deployment.until(sweep, ended)).toMatchObject({ state: 'cancelled' });
  });

  test('the deadline of a cancel revokes the claim of a worker that does not answer', async () => {
    await startWorker(() => () => ({ does: 'vanish' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 2);

    await deployment.request('sweeps.cancel', { sweep, now: false, deadlineSeconds: 0.2 });

    expect(await deployment.until(sweep, ended)).toMatchObject({ state: 'cancelled', counts: { cancelled: 2 } });
  });

  test('submitting a cancelled sweep again takes up what was cancelled', async () => {
    let hold = true;
    await startWorker(() => () => (hold ? { does: 'hold' } : { does: 'complete' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 2);
    await deployment.request('sweeps.cancel', { sweep, now: false });
    await deployment.until(sweep, ended);
    hold = false;

    const again = await deployment.submit(SMALL);

    expect(again).toMatchObject({ sweep, created: false });
    expect(await deployment.until(sweep, ended)).toMatchObject({ state: 'completed', counts: { completed: 4 } });
  });

  test('a sweep that is over cannot be paused', async () => {
    await startWorker(() => completes);
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);

    await expect(deployment.request('sweeps.pause', { sweep })).rejects.toMatchObject({
      code: 'wrong_sweep_state',
      kind: 'user',
    });
  });
});

describe('looking at trials', () => {
  test('a unique beginning of an id is enough; an ambiguous one names the candidates', async () => {
    await startWorker(() => completes);
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);

    const detail = await deployment.request<TrialDetail>('trials.show', { trial: 't000001' });

    expect(detail).toMatchObject({ record: { index: 1, state: 'completed' }, result: { attempt: 1 } });
    await expect(deployment.request('trials.show', { trial: 't0000' })).rejects.toMatchObject({
      code: 'ambiguous_trial',
    });
    await expect(deployment.request('trials.show', { trial: 'x' })).rejects.toMatchObject({ code: 'unknown_trial' });
  });

  test('a dispatched trial waits for slots', async () => {
    const { sweep } = await deployment.submit(sweepFile());
    await deployment.until(sweep, ({ counts }) => counts.dispatched === 4);
    const trials = await list(sweep);

    const why = await deployment.request<TrialWhy>('trials.why', { trial: trials[0]!.trial });

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
    const { sweep } = await deployment.submit(sweepFile({ limits: 'parallel: 1' }));

    await deployment.until(sweep, (summary) => {
      seen.push(summary.counts.running + summary.counts.dispatched);
      return ended(summary);
    });

    expect(Math.max(...seen)).toBe(1);
    expect(most).toBe(1);
  });
});

describe('why a trial waits', () => {
  const why = (trial: string) => deployment.request<TrialWhy>('trials.why', { trial });
  const codes = async (trial: string) => (await why(trial)).reasons.map(({ code }) => code);

  test('one that has no record yet is explained by its plan', async () => {
    const { sweep } = await deployment.submit(sweepFile({ limits: 'parallel: 1' }));
    await deployment.until(sweep, ({ counts }) => counts.dispatched === 1);
    const book = deployment.controller.context.books.get(sweep)!;
    const { trial } = book.plan.at(5);

    expect(await why(trial)).toMatchObject({ trial, state: 'queued' });
    expect(await codes(trial)).toContain('parallel');
    await expect(why(book.plan.at(4).trial.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).rejects.toMatchObject({
      code: 'unknown_trial',
    });
  });
});

describe('while another sweep of the name is active', () => {
  const OTHER = SMALL.replace('0.002', '0.003');

  test('queue starts after it', async () => {
    const worker = await startWorker(() => () => ({ does: 'hold' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 2);

    const queued = await deployment.submit(OTHER, { ifActive: 'queue' });
    const joined = await deployment.submit(OTHER, { ifActive: 'queue' });

    expect(queued).toMatchObject({ created: true, after: [sweep] });
    expect(joined).toMatchObject({ created: false, sweep: queued.sweep });
    expect(await show(queued.sweep)).toMatchObject({ expanded: 0, reason: expect.stringContaining(sweep) });
    const { trial } = deployment.controller.context.books.get(queued.sweep)!.plan.at(0);
    const why = await deployment.request<TrialWhy>('trials.why', { trial });
    expect(why.reasons[0]).toMatchObject({ code: 'sweep_queued' });
    expect(worker.claims.every(({ spec }) => spec.sweep === sweep)).toBe(true);

    await deployment.request('sweeps.cancel', { sweep, now: true });
    const begun = await deployment.until(queued.sweep, ({ counts }) => counts.running === 2);
    expect(begun.after).toBeUndefined();
    expect((await show(sweep)).state).toBe('cancelled');
  });

  test('replace cancels it and starts after it; the same sweep is joined, and nobody replaces what is not theirs', async () => {
    let mode: Script = { does: 'hold' };
    await startWorker(() => () => mode);
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 2);

    expect(await deployment.submit(SMALL, { ifActive: 'replace' })).toMatchObject({ sweep, created: false });
    const foreign = deployment.controller.settled(() =>
      submitSweep(
        deployment.controller.context,
        {
          version: 1,
          source: OTHER,
          file: 'f',
          directory: '.',
          fresh: false,
          ifActive: 'replace',
          priority: 'normal',
        },
        'somebody-else',
        testReading,
      ),
    );
    await expect(foreign).rejects.toMatchObject({ code: 'sweep_active' });
    mode = { does: 'complete' };
    const next = await deployment.submit(OTHER, { ifActive: 'replace' });
    const summary = await deployment.until(next.sweep, ended);

    expect(next.after).toEqual([sweep]);
    expect(summary.state).toBe('completed');
    expect((await show(sweep)).state).toBe('cancelled');
  });
});

describe('a sweep whose class has no worker', () => {
  test('says so before any of its trials has a record: in its summary, by trial number, and by class', async () => {
    await deployment.close();
    deployment = await startDeployment({ directory: folder.directory, slots: 0 });
    const { sweep } = await deployment.submit(SMALL);
    const noWorkers = { code: 'no_workers', message: 'no worker of class cpu is ready' };

    expect(await list(sweep)).toEqual([]);
    expect((await show(sweep)).waits).toContainEqual(noWorkers);
    expect((await deployment.request<TrialWhy>('trials.why', { trial: 't000001' })).reasons).toContainEqual(noWorkers);
    expect(await deployment.request('status', {})).toMatchObject({
      waiting: [{ class: 'cpu', sweeps: 1, reasons: [noWorkers] }],
    });

    await startWorker(() => completes);
    const over = await deployment.until(sweep, ended);
    expect(over).not.toHaveProperty('waits');
    expect(await deployment.request('status', {})).toMatchObject({ waiting: [] });
  });
});

describe('an idempotency key', () => {
  const request = {
    version: 1,
    source: SMALL,
    file: 'f',
    directory: '.',
    fresh: true,
    ifActive: 'join',
    priority: 'normal',
    idempotencyKey: 'nightly-1',
  } as const;
  const submitAs = (owner: string, source = SMALL) =>
    deployment.controller.settled(() =>
      submitSweep(deployment.controller.context, { ...request, source }, owner, testReading),
    );

  test('is one sweep for two controllers that accept it at the same time', async () => {
    const { context } = deployment.controller;

    const accepted = await Promise.all(
      ['0.002', '0.7', '0.8', '0.9'].map((rate) =>
        submitSweep(context, { ...request, source: SMALL.replace('0.002', rate) }, 'ann', testReading),
      ),
    );

    // Whoever comes while the other's record is not written yet binds the key anew; then the other withdraws.
    const again = await submitAs('ann');
    expect(new Set(accepted.map(({ sweep }) => sweep))).toEqual(new Set([again.sweep]));
    expect(accepted.filter(({ created }) => created)).toHaveLength(1);
    const active = await deployment.request<SweepSummary[]>('sweeps.list', { active: true });
    expect(active.map(({ sweep }) => sweep)).toEqual([again.sweep]);
  });

  test('is one sweep for requests that arrive at the same instant', async () => {
    const accepted = await Promise.all(
      ['0.002', '0.7', '0.8', '0.9'].map((rate) =>
        deployment.request<SweepAccepted>('sweeps.submit', { ...request, source: SMALL.replace('0.002', rate) }),
      ),
    );

    expect(new Set(accepted.map(({ sweep }) => sweep)).size).toBe(1);
    expect(accepted.filter(({ created }) => created)).toHaveLength(1);
    expect(await deployment.request<SweepSummary[]>('sweeps.list', {})).toHaveLength(1);
  });

  test('survives a submission that broke off before its sweep was written', async () => {
    const { context } = deployment.controller;
    const key = submissionOf(context, request, 'ann')!;
    expect(await key.claim('never-00000000' as SweepId)).toBeUndefined();
    expect(await key.find()).toBeUndefined();

    const accepted = await submitAs('ann');
    const repeated = await submitAs('ann', SMALL.replace('0.002', '0.9'));

    expect(accepted.created).toBe(true);
    expect(repeated).toMatchObject({ sweep: accepted.sweep, created: false });
    expect((await submitAs('bob')).sweep).not.toBe(accepted.sweep);
  });
});

describe('edits while a sweep runs', () => {
  test('parallel and priority, for what waits in the queue too', async () => {
    const { sweep } = await deployment.submit(sweepFile({ limits: 'parallel: 2' }));
    await deployment.until(sweep, ({ counts }) => counts.dispatched === 2);

    const changed = await deployment.request<SweepSummary>('sweeps.set', { sweep, parallel: 3, priority: 'high' });
    await deployment.until(sweep, ({ counts }) => counts.dispatched === 3);

    expect(changed).toMatchObject({ parallel: 3, priority: 'high' });
    const queued = await deployment.messaging.queue.contents();
    expect(queued.map(({ priority }) => priority)).toEqual(['high', 'high', 'high']);
    await deployment.request('sweeps.cancel', { sweep, now: true });
    await deployment.until(sweep, ended);
    await expect(deployment.request('sweeps.set', { sweep, parallel: 9 })).rejects.toMatchObject({
      code: 'wrong_sweep_state',
    });
  });
});
