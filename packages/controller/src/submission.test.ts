import {
  AdctlError,
  type SweepAccepted,
  type SweepId,
  type SweepSummary,
  sha256,
  type TrialDetail,
  type TrialWhy,
} from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { submitSweep } from './intake.js';
import { submissionOf } from './submission.js';
import { completes, SMALL, useBench } from './testing/bench.fixtures.js';
import { type Script, startScriptedWorker } from './testing/scripted-worker.fixtures.js';
import { ended, sweepFile, testReading } from './testing/test-deployment.fixtures.js';

const bench = useBench();
const { startWorker, list, show } = bench;

describe('submitting', () => {
  test('the same file twice is the same sweep, also after its end', async () => {
    const first = await bench.deployment.submit(SMALL);
    const second = await bench.deployment.submit(SMALL);
    await startWorker(() => completes);
    await bench.deployment.until(first.sweep, ended);
    const third = await bench.deployment.submit(SMALL);

    expect([second, third].map(({ sweep, created }) => [sweep, created])).toEqual([
      [first.sweep, false],
      [first.sweep, false],
    ]);
    expect(await bench.deployment.request<SweepSummary[]>('sweeps.list', {})).toHaveLength(1);
    expect(await show(first.sweep)).toMatchObject({ state: 'completed', counts: { completed: 4 } });
  });

  test('identical trials are reused, visibly, and --fresh trains them again', async () => {
    const worker = await startWorker(() => completes);
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ended);
    const claimed = worker.claims.length;

    const renamed = await bench.deployment.submit(SMALL.replace('name: toy', 'name: again'));
    const summary = await bench.deployment.until(renamed.sweep, ended);
    const trials = await list(renamed.sweep);

    expect(worker.claims).toHaveLength(claimed);
    expect(summary).toMatchObject({ state: 'completed', reused: 4, counts: { completed: 4 } });
    expect(trials.every(({ reusedFrom, attempt }) => reusedFrom?.sweep === sweep && attempt === 0)).toBe(true);
    const detail = await bench.deployment.request<TrialDetail>('trials.show', {
      trial: trials[0]!.trial,
      sweep: renamed.sweep,
    });
    expect(detail.result).toMatchObject({ reusedFrom: { sweep }, spec: { sweep: renamed.sweep } });
    const own = await bench.deployment.leaderboard(renamed.sweep);
    expect(own.groups[0]?.rows[0]?.auroc).toEqual(
      (await bench.deployment.leaderboard(sweep)).groups[0]?.rows[0]?.auroc,
    );

    const fresh = await bench.deployment.submit(SMALL, { fresh: true });
    await bench.deployment.until(fresh.sweep, ended);

    expect(fresh.sweep).not.toBe(sweep);
    expect(worker.claims).toHaveLength(2 * claimed);
  });

  test('what one class of workers trained is not taken over by a sweep of another', async () => {
    const classOf = (pool: string) => (pool === 'gpu' ? 'gpu' : 'cpu');
    await bench.restart({ reading: { classOf } });
    await startWorker(() => completes);
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ended);
    const stop = new AbortController();
    const gpu = { ...bench.deployment, worker: 'w-gpu', class: 'gpu', ackWaitMs: 1_000, signal: stop.signal };
    const worker = await startScriptedWorker(gpu);

    const other = await bench.deployment.submit(`${SMALL}resources: { pool: gpu }\n`);
    const summary = await bench.deployment.until(other.sweep, ended);
    const again = await bench.deployment.submit(
      `${SMALL.replace('name: toy', 'name: again')}resources: { pool: gpu }\n`,
    );
    const reused = await bench.deployment.until(again.sweep, ended);
    stop.abort();
    await worker.ended;

    expect([summary.reused, reused.reused]).toEqual([0, 4]);
    expect((await list(again.sweep))[0]?.reason).toMatch(
      /class of workers as .* TensorFlow 2\.21\.0 on CPU, 1 thread$/,
    );
  });

  test('while a sweep of the name is active: join another file, skip, or fail', async () => {
    const { sweep } = await bench.deployment.submit(SMALL);
    const other = SMALL.replace('0.002', '0.003');

    const skipped = await bench.deployment.submit(other, { ifActive: 'skip' });
    await expect(bench.deployment.submit(other, { ifActive: 'fail' })).rejects.toMatchObject({ code: 'sweep_active' });
    const joined = await bench.deployment.submit(other);

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

    const first = await bench.deployment.request<SweepAccepted>('sweeps.submit', { ...request, source: SMALL });
    const second = await bench.deployment.request<SweepAccepted>('sweeps.submit', {
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

    const error = await bench.deployment.submit(broken).catch((thrown: unknown) => thrown);

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
    expect(await bench.deployment.request('sweeps.list', {})).toEqual([]);
  });

  test('without search seeds every configuration is reported, and too many of them are refused with their number', async () => {
    const all = sweepFile({
      learningRates: [0.001, 0.002],
      normal: [8],
      seeds: { search: 0, report: 2, finalists: 2 },
    });
    await expect(bench.deployment.submit(all.replace('finalists: 2', 'finalists: 1'))).rejects.toThrow(
      /dae has 2 configurations, seeds.finalists keeps 1/,
    );
    const { sweep, searchTrials, reportTrials } = await bench.deployment.submit(all);
    await startWorker(() => completes);
    await bench.deployment.until(sweep, ended);

    expect({ searchTrials, reportTrials }).toEqual({ searchTrials: 0, reportTrials: 4 });
    expect((await list(sweep)).map(({ phase, state }) => [phase, state])).toEqual(
      Array.from({ length: 4 }, () => ['report', 'completed']),
    );
    expect((await show(sweep)).finalists?.map(({ objective }) => objective)).toEqual([null, null]);
  });

  test('a checkpoint rule that keeps an epoch which is not trained is refused with its place', async () => {
    const file = SMALL.replace('learningRate: { values: [0.001, 0.002] }', 'epochs: { values: [3, 5] }');
    const keeping = (epoch: number) => file.replace('preset: quick', `preset: quick, checkpoint: epoch ${epoch}`);

    const error = await bench.deployment.submit(keeping(4)).catch((thrown: unknown) => thrown);

    expect((error as AdctlError).details.issues).toMatchObject([
      {
        line: 10,
        message: 'the checkpoint rule keeps epoch 4, and dae trains 3 (1 of 2 configurations)',
        suggestion: 'checkpoint: epoch 3 or less, or more epochs',
      },
    ]);
    await expect(bench.deployment.submit(keeping(3))).resolves.toMatchObject({ created: true });
  });

  test('more trials than limits.maxTrials are refused with the number', async () => {
    await expect(bench.deployment.submit(SMALL.replace('maxTrials: 1000000', 'maxTrials: 3'))).rejects.toThrow(
      /4 trials/,
    );
  });

  test('a payload that is not a request is a user error', async () => {
    await expect(bench.deployment.request('sweeps.show', { sweep: 7 })).rejects.toMatchObject({
      code: 'bad_request',
      kind: 'user',
    });
    await expect(bench.deployment.request('sweeps.show', { sweep: 'nobody' })).rejects.toMatchObject({
      code: 'unknown_sweep',
    });
  });
});

describe('while another sweep of the name is active', () => {
  const OTHER = SMALL.replace('0.002', '0.003');

  test('queue starts after it', async () => {
    const worker = await startWorker(() => () => ({ does: 'hold' }));
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 2);

    const queued = await bench.deployment.submit(OTHER, { ifActive: 'queue' });
    const joined = await bench.deployment.submit(OTHER, { ifActive: 'queue' });

    expect(queued).toMatchObject({ created: true, after: [sweep] });
    expect(joined).toMatchObject({ created: false, sweep: queued.sweep });
    expect(await show(queued.sweep)).toMatchObject({ expanded: 0, reason: expect.stringContaining(sweep) });
    const { trial } = bench.deployment.controller.context.books.get(queued.sweep)!.plan.at(0);
    const why = await bench.deployment.request<TrialWhy>('trials.why', { trial });
    expect(why.reasons[0]).toMatchObject({ code: 'sweep_queued' });
    expect(worker.claims.every(({ spec }) => spec.sweep === sweep)).toBe(true);

    await bench.deployment.request('sweeps.cancel', { sweep, now: true });
    const begun = await bench.deployment.until(queued.sweep, ({ counts }) => counts.running === 2);
    expect(begun.after).toBeUndefined();
    expect((await show(sweep)).state).toBe('cancelled');
  });

  test('replace cancels it and starts after it; the same sweep is joined, and nobody replaces what is not theirs', async () => {
    let mode: Script = { does: 'hold' };
    await startWorker(() => () => mode);
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 2);

    expect(await bench.deployment.submit(SMALL, { ifActive: 'replace' })).toMatchObject({ sweep, created: false });
    const foreign = submitSweep(
      bench.deployment.controller,
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
    );
    await expect(foreign).rejects.toMatchObject({ code: 'sweep_of_other_owner' });
    mode = { does: 'complete' };
    const next = await bench.deployment.submit(OTHER, { ifActive: 'replace' });
    const summary = await bench.deployment.until(next.sweep, ended);

    expect(next.after).toEqual([sweep]);
    expect(summary.state).toBe('completed');
    expect((await show(sweep)).state).toBe('cancelled');
  });
});

describe('while another sweep of the name is paused', () => {
  const OTHER = SMALL.replace('0.002', '0.003');
  const NEWER = sha256('newer code');

  test.each(['skip', 'fail', 'queue'])(
    'because its code changed, %s takes no notice: nothing of it moves by itself',
    async (ifActive) => {
      const { sweep } = await bench.deployment.submit(SMALL);
      await bench.restart({ reading: { codeVersionOf: () => NEWER } });
      expect(await show(sweep)).toMatchObject({ state: 'paused' });

      const next = await bench.deployment.submit(OTHER, { ifActive });

      expect(next).toMatchObject({ created: true, skipped: false });
      expect(next.after).toBeUndefined();
    },
  );

  test('because its code changed, replace cancels it', async () => {
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.restart({ reading: { codeVersionOf: () => NEWER } });

    const next = await bench.deployment.submit(OTHER, { ifActive: 'replace' });
    await startWorker(() => completes);
    await bench.deployment.until(next.sweep, ended);

    expect((await show(sweep)).state).toBe('cancelled');
  });

  test('by a person or once a person took its code, it counts as active, and who waits for it says that it is paused', async () => {
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.restart({ reading: { codeVersionOf: () => NEWER } });
    await bench.deployment.request('sweeps.resume', { sweep });
    await bench.deployment.request('sweeps.pause', { sweep });

    const skipped = await bench.deployment.submit(OTHER, { ifActive: 'skip' });
    const queued = await bench.deployment.submit(OTHER, { ifActive: 'queue' });

    expect(skipped).toMatchObject({ sweep, skipped: true });
    expect(queued.after).toEqual([sweep]);
    expect((await show(queued.sweep)).waits).toMatchObject([
      { code: 'sweep_queued' },
      { code: 'sweep_paused', message: expect.stringContaining(sweep) },
      { code: 'waiting_turn' },
    ]);
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
    submitSweep(bench.deployment.controller, { ...request, source }, owner, testReading);

  test('is one sweep for two controllers that accept it at the same time', async () => {
    const { context } = bench.deployment.controller;
    const unserialised = { context, settled: <T>(step: () => Promise<T>) => step() };

    const accepted = await Promise.all(
      ['0.002', '0.7', '0.8', '0.9'].map((rate) =>
        submitSweep(unserialised, { ...request, source: SMALL.replace('0.002', rate) }, 'ann', testReading),
      ),
    );

    // Whoever comes while the other's record is not written yet binds the key anew; then the other withdraws.
    const again = await submitAs('ann');
    expect(new Set(accepted.map(({ sweep }) => sweep))).toEqual(new Set([again.sweep]));
    expect(accepted.filter(({ created }) => created)).toHaveLength(1);
    const active = await bench.deployment.request<SweepSummary[]>('sweeps.list', { active: true });
    expect(active.map(({ sweep }) => sweep)).toEqual([again.sweep]);
  });

  test('is one sweep for requests that arrive at the same instant', async () => {
    const accepted = await Promise.all(
      ['0.002', '0.7', '0.8', '0.9'].map((rate) =>
        bench.deployment.request<SweepAccepted>('sweeps.submit', { ...request, source: SMALL.replace('0.002', rate) }),
      ),
    );

    expect(new Set(accepted.map(({ sweep }) => sweep)).size).toBe(1);
    expect(accepted.filter(({ created }) => created)).toHaveLength(1);
    expect(await bench.deployment.request<SweepSummary[]>('sweeps.list', {})).toHaveLength(1);
  });

  test('survives a submission that broke off before its sweep was written', async () => {
    const { context } = bench.deployment.controller;
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
