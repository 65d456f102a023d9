import { METHODS } from '@adctl/methods';
import { parseSweep, sha256 } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { sweepFile } from '../testing/test-deployment.fixtures.js';
import { planFinalists, type SearchEnding } from './finalists.js';
import { freezeSweep } from './freeze-sweep.js';
import { createTrialPlan } from './trial-plan.js';

const SHAPE = { height: 28, width: 28, channels: 1 };
const OPTIONS = {
  dataset: { classes: ['1', '8'], shape: SHAPE, protocols: ['one-class'], digest: sha256('data') },
  codeVersionOf: () => sha256('code'),
  class: 'cpu',
};
const findCard = (name: string) => METHODS.find((card) => card.name === name)!;
const frozen = freezeSweep(parseSweep(sweepFile(), { file: 'toy.yaml' }), OPTIONS);
const plan = createTrialPlan(frozen, findCard);

/** Endings of three configurations on the classes 1 and 8, one seed: `failed`, `diverged`, or the objective. */
const finalistsOf = (ends: readonly (number | 'failed' | 'diverged')[]) =>
  planFinalists(
    frozen,
    plan,
    ends.map(
      (end, index): SearchEnding =>
        typeof end === 'number'
          ? { index, state: 'completed', objective: end }
          : { index, state: end, objective: undefined },
    ),
  ).map(({ configurationIndex, objective }) => [configurationIndex, objective]);

describe('planFinalists', () => {
  test('takes the best mean over both classes', () => {
    expect(finalistsOf([0.5, 0.5, 0.9, 0.7, 0.6, 0.6])).toEqual([[1, 0.8]]);
  });

  test('chooses no configuration that failed on a class where another did not', () => {
    expect(finalistsOf(['failed', 0.99, 0.5, 0.5, 0.4, 0.4])).toEqual([[1, 0.5]]);
  });

  test('ranks by the other class where one failed for every configuration, first or last', () => {
    expect(finalistsOf(['failed', 0.5, 'failed', 0.7, 'failed', 0.6])).toEqual([[1, 0.7]]);
    expect(finalistsOf([0.5, 'failed', 0.6, 'failed', 0.7, 'failed'])).toEqual([[2, 0.7]]);
  });

  test('chooses none where training, not the images, went wrong on a class, and none where every class failed', () => {
    expect(finalistsOf(['diverged', 0.5, 'diverged', 0.7, 'diverged', 0.6])).toEqual([]);
    expect(finalistsOf(['failed', 'failed', 'failed', 'failed', 'failed', 'failed'])).toEqual([]);
  });

  test('reports every configuration, in order, where no seed searches', () => {
    const source = sweepFile({ seeds: { search: 0, report: 3, finalists: 3 } });
    const unsearched = freezeSweep(parseSweep(source, { file: 'toy.yaml' }), OPTIONS);
    const its = createTrialPlan(unsearched, findCard);

    expect(its.searchTrials).toBe(0);
    expect(planFinalists(unsearched, its, [])).toEqual(
      [0, 1, 2].map((position) => ({
        method: 'dae',
        configuration: its.configurationAt(position).configuration,
        configurationIndex: position,
        objective: null,
      })),
    );
  });

  test('resolves the configurations of the finalists alone', () => {
    const asked: number[] = [];
    const counting = {
      ...plan,
      configurationAt(position: number) {
        asked.push(position);
        return plan.configurationAt(position);
      },
    };
    const endings = [0.5, 0.5, 0.9, 0.7, 0.6, 0.6].map(
      (objective, index): SearchEnding => ({ index, state: 'completed', objective }),
    );

    expect(planFinalists(frozen, counting, endings)).toMatchObject([{ configurationIndex: 1 }]);
    expect(asked).toEqual([1]);
  });

  test('gives one place to a configuration that stands twice', () => {
    const twice = { ...plan, configurationAt: (position: number) => plan.configurationAt(Math.max(1, position)) };
    const both = { ...frozen, sweep: { ...frozen.sweep, seeds: { ...frozen.sweep.seeds, finalists: 2 } } };
    const endings = [0.9, 0.9, 0.9, 0.9, 0.6, 0.6].map(
      (objective, index): SearchEnding => ({ index, state: 'completed', objective }),
    );
    const planTwice = {
      ...twice,
      at: (index: number) => ({ ...plan.at(index), ...twice.configurationAt(index >> 1) }),
    };

    expect(planFinalists(both, planTwice, endings).map(({ configurationIndex }) => configurationIndex)).toEqual([0, 2]);
  });
});
