import {
  ConfigurationId,
  digestOf,
  type Objective,
  type SearchOutcome,
  SweepId,
  type TestMetrics,
  TrialId,
  type TrialResult,
  toSearchOutcome,
} from '@adctl/protocol';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { chooseFinalists, createFifoScheduler, rankConfigurations } from './index.js';

const maximize: Objective = { metric: 'selection.auroc', goal: 'maximize' };
const minimize: Objective = { metric: 'selection.loss', goal: 'minimize' };

function outcome(
  configuration: string,
  index: number,
  auroc: number | undefined,
  { method = 'ocgan', phase = 'search' as 'search' | 'report' } = {},
): SearchOutcome {
  return {
    spec: {
      version: 1,
      sweep: SweepId.parse('s'),
      trial: TrialId.parse(`t${index}-${method}`),
      index,
      phase,
      method,
      hyperparameters: { of: configuration },
      configuration: ConfigurationId.parse(configuration),
      dataset: {
        name: 'mnist',
        protocol: 'one-class',
        normal: '8',
        splitSeed: 0,
        selectionFraction: 0.1,
        calibrationFraction: 0.1,
        digest: digestOf('d'),
        input: { height: 28, width: 28, channels: 1 },
      },
      seed: index,
      checkpointRule: { rule: 'last' },
      timeoutMs: 1,
      codeVersion: digestOf('c'),
      identity: digestOf(index),
    },
    ending: { state: auroc === undefined ? 'failed' : 'completed' },
    selection: auroc === undefined ? undefined : { auroc, loss: -auroc },
  };
}

const brief = (outcomes: readonly SearchOutcome[], objective = maximize, expected = 2) =>
  (rankConfigurations(outcomes, objective, expected).get('ocgan') ?? []).map(({ configuration, rank }) => [
    configuration,
    rank,
  ]);

describe('ranking of configurations', () => {
  const lucky = [outcome('c-lucky', 0, 1), outcome('c-lucky', 1, 0.2)];
  const steady = [outcome('c-steady', 2, 0.7), outcome('c-steady', 3, 0.7)];

  test('goes by the mean over classes and seeds, not by the best trial', () => {
    expect(brief([...lucky, ...steady])).toEqual([
      ['c-steady', 1],
      ['c-lucky', 2],
    ]);
    expect(brief([...lucky, ...steady], minimize)).toEqual([
      ['c-steady', 1],
      ['c-lucky', 2],
    ]);
  });

  test('a failed or missing trial costs the rank however good the rest is', () => {
    const failed = [outcome('c-failed', 4, 0.99), outcome('c-failed', 5, undefined)];
    const missing = [outcome('c-missing', 6, 0.99)];
    const ranked = rankConfigurations([...missing, ...failed, ...steady], maximize, 2).get('ocgan');

    expect(ranked?.map(({ configuration, rank }) => [configuration, rank])).toEqual([
      ['c-steady', 1],
      ['c-failed', undefined],
      ['c-missing', undefined],
    ]);
    expect(ranked?.map(({ shortfall }) => shortfall)).toEqual([{}, { failed: 1 }, { missing: 1 }]);
    expect(chooseFinalists(new Map([['ocgan', ranked ?? []]]), 3).map((one) => one.configuration)).toEqual([
      'c-steady',
    ]);
  });

  test('a completed trial without a finite objective does not count as completed', () => {
    expect(brief([outcome('c-nan', 0, Number.NaN), outcome('c-nan', 1, 0.5)])).toEqual([['c-nan', undefined]]);
  });

  test('equal means keep the order of the sweep, whatever the order of arrival', () => {
    const equal = [outcome('c-b', 2, 0.5), outcome('c-b', 3, 0.7), outcome('c-a', 8, 0.7), outcome('c-a', 9, 0.5)];

    expect(brief(equal)).toEqual([
      ['c-b', 1],
      ['c-a', 2],
    ]);
    expect(brief([...equal].reverse())).toEqual(brief(equal));
  });

  test('methods are ranked apart, and report trials and repeats do not count', () => {
    const ranked = rankConfigurations(
      [
        ...steady,
        ...steady,
        outcome('c-steady', 9, 0, { phase: 'report' }),
        outcome('c-dae', 10, 0.1, { method: 'dae' }),
        outcome('c-dae', 11, 0.1, { method: 'dae' }),
      ],
      maximize,
      2,
    );

    expect(ranked.get('ocgan')?.[0]).toMatchObject({ rank: 1, completed: 2, objective: 0.7 });
    expect(ranked.get('dae')?.[0]).toMatchObject({ rank: 1, hyperparameters: { of: 'c-dae' } });
    expect(chooseFinalists(ranked, 1).map(({ method }) => method)).toEqual(['ocgan', 'dae']);
  });

  test('sees nothing that was computed from test images', () => {
    type Seen = Parameters<typeof rankConfigurations>[0][number];

    expectTypeOf<Seen>().toEqualTypeOf<SearchOutcome>();
    expectTypeOf<Extract<keyof Seen, 'test' | 'untrained' | 'otherScores' | 'artifacts'>>().toBeNever();
    expectTypeOf<NonNullable<Seen['selection']>>().not.toExtend<TestMetrics>();
    expectTypeOf<ReturnType<typeof toSearchOutcome>>().toEqualTypeOf<Seen>();
    const full = { ...steady[0], test: { auroc: 1 }, untrained: { auroc: 1 } } as unknown as TrialResult;
    expect(Object.keys(toSearchOutcome(full)).sort()).toEqual(['ending', 'selection', 'spec']);
  });
});

describe('fifo scheduler', () => {
  test('lets every trial go on', () => {
    const scheduler = createFifoScheduler();

    const { trial } = outcome('c-1', 0, 0.1).spec;
    expect(scheduler.decide({ trial, epoch: 1, selection: { auroc: 0, loss: 9 } })).toEqual({ action: 'continue' });
    expect(JSON.parse(JSON.stringify(scheduler.state()))).toBeNull();
  });
});
