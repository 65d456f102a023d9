import { IndexHead, indexHeadKey, indexPrefix, type SweepId, type TrialSummary } from '@adctl/protocol';
import { changeIndexHead, readIndexHead, readIndexPart, writeIndexPart } from '@adctl/storage';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startScriptedWorker } from '../testing/scripted-worker.fixtures.js';
import {
  ended,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
  timeless,
} from '../testing/test-deployment.fixtures.js';

/** 1,024 configurations: a full segment of search trials, and one that is not; 3 report trials. */
const RATES = Array.from({ length: 1024 }, (_, i) => 0.001 + i * 1e-6);
const LARGE = sweepFile({
  learningRates: RATES,
  normal: [8],
  seeds: { search: 1, report: 3, finalists: 1 },
  limits: 'parallel: 200',
});
const SMALL = sweepFile({ name: 'small', learningRates: [0.1, 0.2], normal: [8] });
let folder: ReturnType<typeof temporaryDirectory>;
let deployment: TestDeployment;
let stop: AbortController;

const start = async () => {
  deployment = await startDeployment({ directory: folder.directory, slots: 64 });
};
const run = async (source: string) => {
  const { sweep } = await deployment.submit(source);
  await deployment.until(sweep, ended);
  await deployment.controller.context.results.settled();
  return sweep;
};
const restart = async () => {
  await deployment.close();
  await start();
};
const headOf = async (sweep: SweepId) => (await readIndexHead(deployment.objects, sweep)).head;

beforeEach(async () => {
  folder = temporaryDirectory();
  stop = new AbortController();
  await start();
});

afterEach(async () => {
  stop.abort();
  await deployment.close();
  folder.remove();
}, 60_000);

describe('the index of results', () => {
  test('segments become parts as they fill, the rest when the sweep is over; a leaderboard reads them alone', {
    timeout: 60_000,
  }, async () => {
    await startScriptedWorker({ ...deployment, slots: 64, signal: stop.signal });
    const sweep = await run(LARGE);
    const before = await deployment.leaderboard(sweep);

    const head = await headOf(sweep);
    expect(head).toMatchObject({ complete: true });
    expect(head?.parts.map(({ segment, rows }) => [segment, rows])).toEqual([
      [0, 1000],
      [1, 27],
    ]);
    stop.abort();
    await restart();
    let reads = 0;
    const { get } = deployment.objects;
    deployment.objects.get = (key) => {
      reads += key.startsWith('v1/result/') ? 1 : 0;
      return get.call(deployment.objects, key);
    };

    expect(timeless(await deployment.leaderboard(sweep))).toEqual(timeless(before));
    expect(before.groups[0]?.rows[0]).toMatchObject({
      configurationsTried: 1024,
      endings: { completed: 4 },
      engines: [{ tensorflow: '2.21.0', gpu: false, threads: 1 }],
    });
    expect(reads).toBe(0);
  });

  test('without an index, or with a damaged head, the results are read instead', async () => {
    await startScriptedWorker({ ...deployment, signal: stop.signal });
    const sweep = await run(SMALL);
    const board = timeless(await deployment.leaderboard(sweep));

    for (const damage of ['remove', 'scramble'] as const) {
      if (damage === 'scramble') await deployment.objects.put(indexHeadKey(sweep), Buffer.from('{"version":'));
      else
        for await (const { key } of deployment.objects.list(indexPrefix(sweep))) await deployment.objects.delete(key);
      await restart();

      expect(timeless(await deployment.leaderboard(sweep))).toEqual(board);
    }
  });

  test('what a part of an earlier version leaves out of a trial that failed is read from its result', async () => {
    await startScriptedWorker({
      ...deployment,
      signal: stop.signal,
      script: ({ index }) => (index === 0 ? { does: 'fail', class: 'user', kind: 'user' } : { does: 'complete' }),
    });
    const sweep = await run(SMALL);
    const { head } = await readIndexHead(deployment.objects, sweep);
    const rows = await readIndexPart(deployment.objects, head!.parts[0]!);
    const board = await deployment.leaderboard(sweep);

    const old = rows.map(({ spentSeconds: _, ...row }) => row);
    const part = await writeIndexPart(deployment.objects, sweep, 0, old);
    await changeIndexHead(deployment.objects, sweep, (before) => ({ ...before!, parts: [part] }));
    await restart();

    expect(board.groups[0]?.rows[0]?.searchSeconds).toBe(31); // one completed in 1 s, one failed after 30 s
    expect(await deployment.leaderboard(sweep)).toEqual(board);
  });

  test('a retried trial leaves its part, and its new result counts alone', async () => {
    let fails = true;
    await startScriptedWorker({
      ...deployment,
      signal: stop.signal,
      script: ({ index }) =>
        index === 0 && fails ? { does: 'fail', class: 'user', kind: 'user' } : { does: 'complete' },
    });
    const sweep = await run(SMALL);
    expect((await deployment.leaderboard(sweep)).groups[0]?.rows).toHaveLength(1);

    fails = false;
    await deployment.request('sweeps.retry', { sweep });
    expect(await headOf(sweep)).toMatchObject({ complete: false, parts: [] });
    await deployment.until(sweep, ended);
    await deployment.controller.context.results.settled();

    const [part] = (await headOf(sweep))?.parts ?? [];
    const rows = await readIndexPart(deployment.objects, part!);
    expect(rows.map(({ index, generation, state, earlier }) => [index, generation, state, earlier])).toEqual([
      [0, 1, 'completed', ['failed']],
      ...[1, 2, 3, 4].map((index) => [index, 0, 'completed', []]),
    ]);
    // The part that the retry took out of the head goes after a day, the one in force stays.
    const parts = async () => {
      const keys: string[] = [];
      for await (const { key } of deployment.objects.list(indexPrefix(sweep))) keys.push(key);
      return keys.filter((key) => key !== indexHeadKey(sweep));
    };
    const { results } = deployment.controller.context;
    const later = new Date(Date.now() + 1_000);
    expect(await parts()).toHaveLength(2);
    expect(await results.deleteOldParts(sweep, { before: new Date(0), dryRun: false })).toEqual({ parts: 0, bytes: 0 });
    expect(await results.deleteOldParts(sweep, { before: later, dryRun: true })).toMatchObject({ parts: 1 });
    expect(await results.deleteOldParts(sweep, { before: later, dryRun: false })).toMatchObject({ parts: 1 });
    expect(await parts()).toEqual([part!.key]);
    const trials = await deployment.request<TrialSummary[]>('trials.list', { sweep });
    expect(trials.map(({ selection }) => selection !== undefined)).toEqual([true, true, true, true, true]);
  });

  test('a result taken over from another sweep counts once where both are shown, and alone where it is not', async () => {
    await startScriptedWorker({ ...deployment, signal: stop.signal });
    const first = await run(SMALL);
    const second = await run(SMALL.replace('name: small', 'name: again'));
    const seconds = async (sweep?: SweepId) => (await deployment.leaderboard(sweep)).groups[0]?.rows[0]?.searchSeconds;

    expect(await seconds(second)).toBe(2);
    expect(await seconds(first)).toBe(2);
    expect(await seconds()).toBe(2);
    expect(IndexHead.parse(await headOf(second)).parts).toHaveLength(1);
  });
});
