import { METHODS } from '@adctl/methods';
import { parseSweep, sha256, TrialSpec } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { sweepFile } from '../testing/test-deployment.fixtures.js';
import { freezeSweep } from './freeze-sweep.js';
import { createTrialPlan, type FindCard } from './trial-plan.js';

const findCard: FindCard = (name) => {
  const card = METHODS.find((one) => one.name === name);
  if (card === undefined) throw new Error(name);
  return card;
};
const freeze = (source: string, changes: Partial<Parameters<typeof freezeSweep>[1]> = {}) =>
  freezeSweep(parseSweep(source, { file: 'toy.yaml' }), {
    dataset: {
      classes: ['0', '1', '8'],
      shape: { height: 28, width: 28, channels: 1 },
      protocols: ['one-class'],
      digest: sha256('data'),
    },
    codeVersionOf: () => sha256('code'),
    class: 'cpu',
    ...changes,
  });
const FILE = sweepFile({ seeds: { search: 2, report: 3, finalists: 1 } });

describe('the plan of a frozen sweep', () => {
  test('enumerates configuration, then class, then search seed', () => {
    const frozen = freeze(FILE);
    const plan = createTrialPlan(frozen, findCard);

    const specs = Array.from({ length: plan.searchTrials }, (_, index) => plan.at(index));

    expect(plan.searchTrials).toBe(3 * 2 * 2);
    const [first, second] = frozen.seeds.search;
    expect(
      specs
        .slice(0, 5)
        .map(({ hyperparameters, dataset, seed }) => [hyperparameters.learningRate, dataset.normal, seed]),
    ).toEqual([
      [0.001, '1', first],
      [0.001, '1', second],
      [0.001, '8', first],
      [0.001, '8', second],
      [0.002, '1', first],
    ]);
    expect(new Set(specs.map(({ trial }) => trial)).size).toBe(specs.length);
    expect(new Set(specs.map(({ configuration }) => configuration)).size).toBe(3);
    for (const spec of specs) expect(TrialSpec.parse(spec)).toEqual(spec);
  });

  test('report trials retrain the finalists with other seeds after the search trials', () => {
    const frozen = freeze(FILE);
    const plan = createTrialPlan(frozen, findCard);

    const report = Array.from({ length: 6 }, (_, i) => plan.at(plan.searchTrials + i, [2]));

    expect(report.map(({ phase, hyperparameters }) => [phase, hyperparameters.learningRate])).toEqual(
      Array.from({ length: 6 }, () => ['report', 0.003]),
    );
    expect(report.map(({ seed }) => seed)).toEqual([...frozen.seeds.report, ...frozen.seeds.report]);
    expect(report.some(({ seed }) => frozen.seeds.search.includes(seed))).toBe(false);
    expect(report[0]?.configuration).toBe(plan.at(8).configuration);
  });

  test('other finalists make other report trials of the same numbers', () => {
    const plan = createTrialPlan(freeze(FILE), findCard);
    const learningRateOf = (finalist: number) => plan.at(plan.searchTrials, [finalist]).hyperparameters.learningRate;

    expect([2, 0, 2].map(learningRateOf)).toEqual([0.003, 0.001, 0.003]);
  });

  test('a trial asked for again after many others is the same', () => {
    const learningRates = Array.from({ length: 300 }, (_, index) => (index + 1) / 1_000);
    const plan = createTrialPlan(freeze(sweepFile({ learningRates, normal: [8] })), findCard);
    const first = plan.at(0);
    for (let index = 1; index < plan.searchTrials; index++) plan.at(index);

    expect(plan.at(0)).toEqual(first);
  });

  test('an index outside the sweep is refused', () => {
    const plan = createTrialPlan(freeze(FILE), findCard);

    expect(() => plan.at(12)).toThrow(RangeError);
    expect(() => plan.at(18, [0])).toThrow(RangeError);
    expect(() => plan.at(-1)).toThrow(RangeError);
  });

  test('asking in any order gives the same trials', () => {
    const frozen = freeze(FILE);
    const forwards = createTrialPlan(frozen, findCard);
    const backwards = createTrialPlan(frozen, findCard);

    const last = backwards.at(11);

    expect(forwards.at(0)).toEqual(backwards.at(0));
    expect(forwards.at(11)).toEqual(last);
  });

  test('the identity follows what decides the numbers and nothing else', () => {
    const identity = (frozen: ReturnType<typeof freeze>) => createTrialPlan(frozen, findCard).at(0).identity;
    const base = identity(freeze(FILE));

    expect(identity(freeze(FILE.replace('name: toy', 'name: other')))).toBe(base);
    expect(identity(freeze(FILE.replace('parallel: 8', 'parallel: 9')))).toBe(base);
    expect(identity(freeze(FILE, { root: '/elsewhere' }))).toBe(base);
    expect(identity(freeze(FILE, { codeVersionOf: () => sha256('other code') }))).not.toBe(base);
    expect(identity(freeze(FILE.replace('preset: quick', 'preset: quick, checkpoint: last')))).not.toBe(
      identity(freeze(FILE.replace('preset: quick', 'preset: quick, checkpoint: epoch 1'))),
    );
  });

  test('equal files give equal sweep ids; --fresh never does', () => {
    expect(freeze(FILE).id).toBe(freeze(FILE).id);
    expect(freeze(FILE).id).toMatch(/^toy-[0-9a-f]{8}$/);
    expect(freeze(FILE.replace('0.003', '0.004')).id).not.toBe(freeze(FILE).id);
    expect(freeze(FILE, { freshToken: '0a1b2c3d' }).id).toBe('toy-0a1b2c3d');
  });

  test('a grid of ten million points costs nothing before it is asked for', () => {
    const many = Array.from({ length: 216 }, (_, i) => 0.001 + i / 1e6).join(', ');
    const frozen = freeze(
      FILE.replace(
        'learningRate: { values: [0.001, 0.002, 0.003] }',
        `learningRate: { values: [${many}] }
    weightDecay: { values: [${many}] }
    noiseSigma: { values: [${many}] }`,
      ),
    );
    const plan = createTrialPlan(frozen, findCard);

    expect(plan.searchTrials).toBe(216 ** 3 * 4);
    expect(plan.at(plan.searchTrials - 1).trial).toMatch(/^t40310783-/);
  });
});
