import { Leaderboard, type LeaderboardRow } from '@adctl/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldLeaderboard, type LeaderboardResult } from './index.js';
import { buildResult, type ResultFacts } from './leaderboard.fixtures.js';

const rowsOf = (results: readonly LeaderboardResult[]): LeaderboardRow[] =>
  foldLeaderboard(results).groups[0]?.rows ?? [];

/** One method on digits 8 and 1 with three report seeds; `auroc` by digit and seed. */
function method(facts: ResultFacts, auroc: Readonly<Record<string, readonly number[]>>): LeaderboardResult[] {
  return Object.entries(auroc).flatMap(([normal, values]) =>
    values.map((value, seed) => buildResult({ ...facts, normal, seed, auroc: value })),
  );
}

describe('leaderboard', () => {
  const ocgan = method({ method: 'ocgan' }, { 8: [0.9, 0.88, 0.92], 1: [0.99, 0.98, 1] });
  const dae = method({ method: 'dae', configuration: 'c-2' }, { 8: [0.8, 0.82, 0.81], 1: [0.99, 0.99, 0.99] });

  test('ranks by the mean over seeds of the mean over classes, and shows each class', () => {
    const [first, second] = rowsOf([...dae, ...ocgan]);

    expect([first?.method, first?.rank, second?.method, second?.rank]).toEqual(['ocgan', 1, 'dae', 2]);
    expect(first?.auroc?.mean).toBeCloseTo((0.945 + 0.93 + 0.96) / 3, 12);
    expect(first?.auroc?.std).toBeCloseTo(0.015, 12);
    expect(first?.auroc?.seeds).toBe(3);
    expect(first?.classes.map(({ normal }) => normal)).toEqual(['1', '8']);
    expect(first?.classes[1]?.auroc?.mean).toBeCloseTo(0.9, 12);
    expect(first?.classes[1]?.auroc?.std).toBeCloseTo(0.02, 12);
    expect(first?.untrainedAuroc?.mean).toBe(0.5);
    expect(first?.selectionAuroc?.mean).toBeCloseTo(0.845, 12);
  });

  test('search trials count as effort and failures, never as numbers', () => {
    const search = [
      buildResult({ phase: 'search', configuration: 'c-1', auroc: 1, seed: 90, seconds: 5, index: 1 }),
      buildResult({ phase: 'search', configuration: 'c-3', auroc: 1, seed: 90, seconds: 7, index: 2 }),
    ];
    const preempted = {
      version: 1 as const,
      attempt: 1,
      class: 'preempted' as const,
      failure: { code: 'x', kind: 'transient' as const, message: 'm', details: {} },
      endedAt: '2026-01-01T00:00:00.000Z',
    };
    const failing = buildResult({ normal: '1', seed: 0, auroc: 0.99, failures: [preempted] });

    const [row] = rowsOf([...search, failing, ...ocgan.slice(1)]);

    expect(row).toMatchObject({ configurationsTried: 2, searchSeconds: 12, reportSeconds: 60 });
    expect(row?.failures).toEqual({ preempted: 1 });
    expect(row?.endings).toEqual({ completed: 7 });
    expect(row?.auroc?.mean).toBeCloseTo(0.945, 12);
  });

  test('tried are all configurations of the method in the group, searched or reported, of every sweep', () => {
    const searched = ['c-2', 'c-3'].map((configuration) =>
      buildResult({ sweep: 'a', configuration, phase: 'search', seed: 90, auroc: 0.9, seconds: 5 }),
    );
    const reported = ['c-1', 'c-2'].map((configuration) => buildResult({ sweep: 'b', configuration, auroc: 0.9 }));

    const rows = rowsOf([...searched, ...reported]);

    expect(rows.map(({ configurationsTried, searchSeconds }) => [configurationsTried, searchSeconds])).toEqual([
      [3, 10],
      [3, 10],
    ]);
  });

  test('what was before a retry stays with the row, whatever the retry came to', () => {
    const searched = buildResult({ phase: 'search', seed: 90, auroc: 0.9, generation: 1, earlier: ['failed'] });
    const reported = buildResult({ seed: 0, auroc: 0.9, generation: 2, earlier: ['diverged', 'failed'] });

    const [row] = rowsOf([searched, reported]);

    expect(row).toMatchObject({ rank: 1, endings: { completed: 2 }, retried: { diverged: 1, failed: 2 } });
  });

  test('below three seeds there is no spread', () => {
    const [row] = rowsOf(method({}, { 8: [0.9, 0.8] }));

    expect(row).toMatchObject({ rank: 1, auroc: { std: null, interval: null, seeds: 2 } });
  });

  test('a row with a failed or missing report trial is visible without a rank and says why', () => {
    const isFirst = ({ spec }: LeaderboardResult) => spec.dataset.normal === '8' && spec.seed === 0;
    const failed = ocgan.map((one) => (isFirst(one) ? buildResult({ normal: '8', seed: 0, state: 'diverged' }) : one));
    const missing = dae.filter((one) => !isFirst(one));

    const [a, b] = rowsOf([...failed, ...missing]);

    expect(a).toMatchObject({ method: 'ocgan', rank: null, unrankedReason: '1 diverged of 6 report trials' });
    expect(a?.seeds).toEqual([1, 2]);
    expect(a?.auroc).toMatchObject({ seeds: 2, std: null });
    expect(b).toMatchObject({ method: 'dae', rank: null, unrankedReason: '1 report trial missing: class 8 seed 0' });
  });

  test('a sweep that tells what it meant to run is held to it', () => {
    const expected = () => ({ classes: ['8', '1', '7'], reportSeeds: [0, 1, 2] });

    const { groups } = foldLeaderboard(ocgan, { expected });

    expect(groups[0]?.classes).toEqual(['1', '7', '8']);
    expect(groups[0]?.rows[0]).toMatchObject({ rank: null, auroc: null });
    expect(groups[0]?.rows[0]?.unrankedReason).toBe(
      '3 report trials missing: class 7 seed 0, class 7 seed 1, class 7 seed 2',
    );
  });

  test('the report seeds of a sweep that chose another configuration are not missing from a row', () => {
    const search = ['a', 'b'].flatMap((sweep) =>
      ['c-1', 'c-2'].map((configuration) =>
        buildResult({ sweep, configuration, phase: 'search', seed: 90, auroc: 0.9 }),
      ),
    );
    const report = [0, 1].flatMap((seed) => [
      buildResult({ sweep: 'a', configuration: 'c-1', seed, auroc: 0.9 }),
      buildResult({ sweep: 'b', configuration: 'c-2', seed: seed + 10, auroc: 0.8 }),
    ]);
    const expected = (sweep: string) => ({ classes: ['8'], reportSeeds: sweep === 'a' ? [0, 1] : [10, 11] });

    const { groups } = foldLeaderboard([...search, ...report], { expected });

    expect(groups[0]?.rows.map(({ configuration, rank, seeds }) => [configuration, rank, seeds])).toEqual([
      ['c-1', 1, [0, 1]],
      ['c-2', 2, [10, 11]],
    ]);
  });

  test('a method whose search failed is a row too', () => {
    const failed = buildResult({ method: 'memae', phase: 'search', normal: '8', seed: 9 });

    const rows = rowsOf([...ocgan, failed]);

    expect(rows[1]).toMatchObject({
      method: 'memae',
      rank: null,
      configuration: null,
      unrankedReason: 'no finalist: 1 failed of 1 search trials',
      endings: { failed: 1 },
    });
  });

  test('another protocol, data set or class set is another group', () => {
    const others: ResultFacts[] = [{ protocol: 'one-class-80-20' }, { dataset: 'fashion' }];

    const board = foldLeaderboard([
      ...ocgan,
      ...others.flatMap((facts, i) => method({ ...facts, sweep: `o${i}` }, { 8: [0.9] })),
      ...method({ sweep: 'only-eight' }, { 8: [0.99, 0.99, 0.99] }),
    ]);

    expect(board.groups.map(({ dataset, protocol, classes }) => [dataset, protocol, classes.join()])).toEqual([
      ['fashion', 'one-class', '8'],
      ['mnist', 'one-class', '1,8'],
      ['mnist', 'one-class', '8'],
      ['mnist', 'one-class-80-20', '8'],
    ]);
    expect(board.groups.every(({ rows }) => rows.length === 1 && rows[0]?.rank === 1)).toBe(true);
  });

  test('equal means share a rank', () => {
    const twin = method({ method: 'twin', configuration: 'c-2' }, { 8: [0.9, 0.88, 0.92], 1: [0.99, 0.98, 1] });
    const last = method({ method: 'zlast', configuration: 'c-4' }, { 8: [0.1, 0.1, 0.1], 1: [0.1, 0.1, 0.1] });

    expect(rowsOf([...last, ...twin, ...ocgan]).map(({ rank }) => rank)).toEqual([1, 1, 3]);
  });

  test("the paper's figure stands only beside exactly its classes", () => {
    const published = ({ classes, metric }: { classes: readonly string[]; metric: string }) =>
      metric === 'auroc' && classes.join() === '8' ? { value: 0.94, source: 'Table 1', reproduced: false } : undefined;

    const row = foldLeaderboard(ocgan, { published }).groups[0]?.rows[0];

    expect(row?.published).toBeNull();
    expect(row?.classes[0]?.published).toBeNull();
    expect(row?.classes[1]?.published?.difference).toBeCloseTo(-0.04, 12);
    expect(row?.classes[1]?.publishedPixelAuroc).toBeNull();
  });

  test("a paper's figure stands beside its own metric", () => {
    const metrics = { auroc: 0.9, aurocDefective: 0.8, averagePrecision: 0.5, pro: 0.7 };
    const pixel = { ...metrics, regions: 2, anomalousPixels: 9, normalPixels: 55, height: 8, width: 8 };
    const results = ocgan.map((result) => ({ ...result, pixel }));
    const published = ({ metric }: { metric: string }) =>
      metric === 'pro' ? { value: 0.6, source: 'Table 2', reproduced: false } : undefined;

    const row = foldLeaderboard(results, { published }).groups[0]?.rows[0];

    expect(row?.publishedPro).toMatchObject({ value: 0.6, source: 'Table 2' });
    expect(row?.publishedPro?.difference).toBeCloseTo(0.1, 12);
    expect([row?.published, row?.publishedPixelAuroc]).toEqual([null, null]);
  });

  test('a retried trial counts once, by its newest generation', () => {
    const again = buildResult({ normal: '8', seed: 0, auroc: 0.5, generation: 1 });

    const [row] = rowsOf([...ocgan, again]);

    expect(row?.rank).toBe(1);
    expect(row?.classes[1]?.auroc?.mean).toBeCloseTo((0.5 + 0.88 + 0.92) / 3, 12);
  });

  test('a row never averages different code: the newest counts, its failures too, and what is left out is told', () => {
    const old = [0, 1, 2].map((seed) => buildResult({ sweep: 'a', code: 'old', seed, auroc: 0.9 }));
    const changed = [0, 1, 2].map((seed) =>
      buildResult({
        sweep: 'b',
        code: 'new',
        seed,
        endedAt: 9,
        ...(seed === 2 ? { state: 'diverged' } : { auroc: 0.5 }),
      }),
    );

    const [row] = rowsOf([...changed, ...old]);

    expect(row).toMatchObject({ seeds: [0, 1], unrankedReason: '1 diverged of 3 report trials', olderTrials: 3 });
    expect(row?.auroc?.mean).toBeCloseTo(0.5, 12);
    expect(row?.codeVersions).toEqual([changed[0]?.spec.codeVersion]);
    expect(row?.sweeps).toEqual(['b']);
  });

  test('of the same code the newer sweep counts, however often an older trial was retried; a cancelled trial never does', () => {
    const old = buildResult({ sweep: 'a', seed: 0, auroc: 0.9, generation: 1, endedAt: 1 });
    const newer = buildResult({ sweep: 'b', seed: 0, auroc: 0.6, endedAt: 2 });
    const cancelled = buildResult({ sweep: 'c', seed: 0, state: 'cancelled', endedAt: 3 });

    const [row] = rowsOf([cancelled, newer, old]);

    expect(row).toMatchObject({ rank: 1, endings: { completed: 2, cancelled: 1 } });
    expect(row?.auroc?.mean).toBeCloseTo(0.6, 12);
  });

  test('a row names the engines that its numbers come from, also when an older index does not tell', () => {
    const cpu = { tensorflow: '2.21.0', gpu: false, threads: 1 };
    const gpu = { ...cpu, gpu: true };
    const results = [cpu, gpu, cpu, undefined].map((engine, seed) => buildResult({ seed, auroc: 0.9, engine }));

    expect(rowsOf(results)[0]?.engines).toEqual([null, cpu, gpu]);
  });

  test('no results give no groups', () => {
    expect(foldLeaderboard([])).toEqual({ version: 1, groups: [] });
  });
});

describe('the fold', () => {
  const facts = fc.record({
    sweep: fc.constantFrom('a', 'b'),
    method: fc.constantFrom('ocgan', 'dae', 'memae'),
    configuration: fc.constantFrom('c-1', 'c-2'),
    phase: fc.constantFrom('search' as const, 'report' as const),
    normal: fc.constantFrom('1', '8'),
    seed: fc.nat(3),
    index: fc.nat(3),
    dataset: fc.constantFrom('mnist', 'fashion'),
    auroc: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    generation: fc.nat(2),
    code: fc.constantFrom('old', 'new'),
    endedAt: fc.nat(9),
    seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
  });

  test('does not depend on the order of results, and folding twice gives the same', () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (list, keys) => {
        const results = list.map(buildResult);
        const keyed = results.map((result) => ({ result, key: keys.next().value ?? 0 }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ result }) => result);

        const board = foldLeaderboard(results);

        expect(foldLeaderboard(shuffled)).toEqual(board);
        expect(foldLeaderboard(results)).toEqual(board);
        expect(Leaderboard.parse(JSON.parse(JSON.stringify(board)))).toEqual(board);
      }),
    );
  });

  test('every method that has a result has a row, and ranks have no gaps but ties', () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 40 }), (list) => {
        const { groups } = foldLeaderboard(list.map(buildResult));
        const shown = new Set(groups.flatMap(({ rows }) => rows.map(({ method: name }) => name)));

        expect(shown).toEqual(new Set(list.map(({ method: name }) => name)));
        for (const { rows } of groups) {
          const ranks = rows.flatMap(({ rank }) => (rank === null ? [] : [rank]));
          expect(ranks.every((rank, i) => rank === i + 1 || rank === ranks[i - 1])).toBe(true);
        }
      }),
    );
  });

  test('folds 100,000 results to the rows they hold', () => {
    const results: LeaderboardResult[] = [];
    const template = buildResult({ auroc: 0.9 });
    for (let c = 0; c < 1000; c++) {
      const configuration = buildResult({ configuration: `c-${c}` }).spec.configuration;
      for (let i = 0; i < 100; i++) {
        const normal = String(i % 10);
        const spec = { ...template.spec, configuration, seed: Math.floor(i / 10), index: c * 100 + i };
        results.push({ ...template, spec: { ...spec, dataset: { ...spec.dataset, normal } } });
      }
    }

    const rows = rowsOf(results);

    expect(rows).toHaveLength(1000);
    expect(rows.every(({ rank, auroc }) => rank === 1 && auroc?.seeds === 10)).toBe(true);
  });
});
