import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as settle } from 'node:timers/promises';
import type { RebuildProgress, SweepId, SweepSummary, TrialSummary } from '@adctl/protocol';
import { headKey, resultsPrefix, SweepRecord, sha256, sweepStatusKey } from '@adctl/protocol';
import { commitCheckpoint } from '@adctl/storage';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Script, startScriptedWorker } from '../testing/scripted-worker.fixtures.js';
import {
  ended,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
  timeless,
} from '../testing/test-deployment.fixtures.js';

/** Two configurations of one class: 2 search and 2 report trials. */
const SMALL = sweepFile({ learningRates: [0.001, 0.002], normal: [8], seeds: { search: 1, report: 2, finalists: 1 } });
const NEWER = sha256('newer code');
let folder: ReturnType<typeof temporaryDirectory>;
let deployment: TestDeployment;
let stop: AbortController;

const start = async () => {
  stop = new AbortController();
  deployment = await startDeployment({ directory: folder.directory });
};
const startWorker = (script?: (index: number, attempt: number) => Script) =>
  startScriptedWorker({
    ...deployment,
    signal: stop.signal,
    ...(script === undefined ? {} : { script: ({ index }, attempt) => script(index, attempt) }),
  });

/** Everything but the object store is gone. */
const loseState = async () => {
  stop.abort();
  await deployment.close();
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(join(folder.directory, `messaging.sqlite${suffix}`), { force: true });
  }
  await start();
};
const ask = (options: { start: boolean; force?: boolean }) =>
  deployment.request<RebuildProgress>('admin.rebuild', { force: false, ...options });
const rebuild = async (force = false): Promise<RebuildProgress> => {
  let progress = await ask({ start: true, force });
  while (progress.state === 'running') {
    await settle();
    progress = await ask({ start: false });
  }
  return progress;
};
const trialsOf = (sweep: SweepId) => deployment.request<TrialSummary[]>('trials.list', { sweep });
const show = (sweep: SweepId) => deployment.request<SweepSummary>('sweeps.show', { sweep });

beforeEach(async () => {
  folder = temporaryDirectory();
  await start();
});

afterEach(async () => {
  stop.abort();
  await deployment.close();
  folder.remove();
});

describe('records made again from the object store alone', () => {
  test('a sweep that is over, with its trials, identities and leaderboard', async () => {
    await startWorker((index, attempt) =>
      index === 1 && attempt === 1 ? { does: 'fail', class: 'infra' } : { does: 'complete' },
    );
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);
    await deployment.controller.context.results.settled();
    const before = { sweep: await show(sweep), trials: await trialsOf(sweep), board: await deployment.leaderboard() };

    await loseState();
    expect(await deployment.request('sweeps.list', {})).toEqual([]);
    const progress = await rebuild();

    expect(progress).toMatchObject({ state: 'done', sweeps: 1, sweepsCreated: 1, trialsCreated: 4, unreadable: [] });
    const ignored = { queuedAt: undefined, dispatchedAt: undefined, startedAt: undefined };
    const facts = (trials: TrialSummary[]) => trials.map((trial) => ({ ...trial, ...ignored }));
    expect(await show(sweep)).toEqual(before.sweep);
    expect(facts(await trialsOf(sweep))).toEqual(facts(before.trials));
    expect(timeless(await deployment.leaderboard())).toEqual(timeless(before.board));
    const worker = await startWorker();
    const again = await deployment.submit(SMALL.replace('name: toy', 'name: again'));
    expect(await deployment.until(again.sweep, ended)).toMatchObject({ reused: 4 });
    expect(worker.claims).toEqual([]);
  });

  test('a sweep whose status object is damaged, as if nothing had been noted of it', async () => {
    await startWorker();
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);
    await deployment.objects.put(sweepStatusKey(sweep), Buffer.from('{"version":'));

    await loseState();
    expect(await rebuild()).toMatchObject({ state: 'done', sweepsCreated: 1, trialsCreated: 4, unreadable: [] });
    expect(await deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
  });

  test('what was trained with other code than planned is reused no more than before', async () => {
    const { sweep } = await deployment.submit(SMALL);
    await deployment.close();
    deployment = await startDeployment({ directory: folder.directory, reading: { codeVersionOf: () => NEWER } });
    await deployment.request('sweeps.resume', { sweep });
    await startScriptedWorker({ ...deployment, signal: stop.signal, codeVersion: NEWER });
    await deployment.until(sweep, ended);

    await loseState();
    await rebuild();

    await startWorker();
    const again = await deployment.submit(SMALL.replace('name: toy', 'name: again'));
    expect(await deployment.until(again.sweep, ended)).toMatchObject({ state: 'completed', reused: 0 });
  });

  test('while the trials of one sweep are read, every other one goes on, and that one stands aside', async () => {
    await startWorker();
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);
    await loseState();
    await deployment.close();
    const reading = Promise.withResolvers<void>();
    const read = Promise.withResolvers<void>();
    deployment = await startDeployment({
      directory: folder.directory,
      wrap: ({ messaging, objects }) => ({
        messaging,
        objects: {
          put: (key, content, options) => objects.put(key, content, options),
          async get(key) {
            if (key.startsWith(resultsPrefix(sweep))) {
              reading.resolve();
              await read.promise;
            }
            return objects.get(key);
          },
          read: (key) => objects.read(key),
          head: (key) => objects.head(key),
          list: (prefix, options) => objects.list(prefix, options),
          delete: (key, options) => objects.delete(key, options),
          createMultipart: (key, options) => objects.createMultipart(key, options),
          resumeMultipart: (key, uploadId) => objects.resumeMultipart(key, uploadId),
        },
      }),
    });
    await ask({ start: true });
    await reading.promise;

    await startWorker();
    const other = await deployment.submit(SMALL.replace('name: toy', 'name: other'), { fresh: true });
    expect(await deployment.until(other.sweep, ended)).toMatchObject({ state: 'completed' });
    await expect(deployment.submit(SMALL)).rejects.toMatchObject({ code: 'sweep_held' });
    expect(await ask({ start: false })).toMatchObject({ state: 'running', sweepsDone: 0 });

    read.resolve();
    await expect.poll(() => ask({ start: false })).toMatchObject({ state: 'done', trialsCreated: 4 });
    expect(await show(sweep)).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(await show(sweep)).not.toHaveProperty('problem');
  });

  test('repeated, it makes nothing and changes nothing', async () => {
    await startWorker();
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);
    await loseState();
    await rebuild();
    const before = await trialsOf(sweep);

    expect(await rebuild()).toMatchObject({ state: 'done', sweepsCreated: 0, trialsCreated: 0, results: 4 });
    expect(await trialsOf(sweep)).toEqual(before);
  });

  test('a sweep in the middle goes on: what ended stays, what was tried gets a new attempt', async () => {
    await startWorker((index) => (index === 0 ? { does: 'complete' } : { does: 'vanish' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.completed === 1 && counts.running === 1);
    const [, open] = await trialsOf(sweep);
    const checkpoint = { sweep, trial: open!.trial, attempt: 3, epoch: 1, step: 10, threads: 1, files: [] };
    await commitCheckpoint(deployment.objects, checkpoint);
    expect(await deployment.objects.head(headKey(sweep, open!.trial))).not.toBeNull();

    await loseState();
    await rebuild();
    expect((await trialsOf(sweep))[1]).toMatchObject({ trial: open!.trial, attempt: 3, generation: 0 });
    const worker = await startWorker();
    const summary = await deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', owner: 'tester', counts: { completed: 4 } });
    const claims = worker.claims.map(({ spec, attempt }) => [spec.index, attempt]);
    expect(claims.sort()).toEqual([
      [1, 4],
      [2, 1],
      [3, 1],
    ]);
  });

  test('a cancelled sweep stays cancelled, and a retried trial keeps its generation', async () => {
    await startWorker(() => ({ does: 'fail', class: 'user', kind: 'user' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ended);
    stop.abort();
    await deployment.request('sweeps.retry', { sweep });
    await deployment.request('sweeps.cancel', { sweep, now: true });
    await deployment.until(sweep, ended);
    const before = await show(sweep);

    await loseState();
    await rebuild();

    expect(await show(sweep)).toEqual(before);
    expect((await trialsOf(sweep)).map(({ state, generation }) => [state, generation])).toEqual([
      ['cancelled', 1],
      ['cancelled', 1],
    ]);
  });

  test('refuses while trials run, unless forced; what is unreadable is named and left alone', async () => {
    await startWorker(() => ({ does: 'hold' }));
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 2);
    await deployment.objects.put('v1/spec/odd-00000000.json', Buffer.from('{'));

    await expect(rebuild()).rejects.toMatchObject({ code: 'trials_running' });
    const forced = await rebuild(true);

    expect(forced).toMatchObject({ state: 'done', sweepsCreated: 0, trialsCreated: 0, unreadable: ['odd-00000000'] });
    expect(SweepRecord.parse((await deployment.messaging.state.bucket('sweep').get(sweep))?.value).state).toBe(
      'search',
    );
  });
});
