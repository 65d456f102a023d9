import { findMethod, PRESETS, summarizeNetwork } from '@adctl/methods';
import { parseSweep } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import { type PastTrial, planMethod } from './plan-method.js';

const INPUT = { height: 28, width: 28, channels: 1 };
const card = findMethod('ocgan');
const sweep = parseSweep(
  `apiVersion: adctl/v1
kind: Sweep
name: plan
method: ocgan
dataset: { name: mnist, protocol: one-class, normal: [8, 1] }
search: { algorithm: grid, space: { learningRate: { values: [0.0002, 0.001] }, lambdaRec: { values: [10, 50] } } }
train: { preset: quick }
seeds: { search: 1, report: 3, finalists: 1 }
`,
  { file: 'plan.yaml' },
);
const quick = card.hyperparameters.parse(card.presets.quick(INPUT));
const plan = (past: readonly PastTrial[] = []) => planMethod({ sweep, card, input: INPUT, classes: 2, past }).planned;

describe('planMethod', () => {
  it('counts configurations x classes x seeds in both phases', () => {
    expect(plan()).toMatchObject({
      configurations: 4,
      varies: { learningRate: 2, lambdaRec: 2 },
      searchTrials: 8,
      reportTrials: 6,
      epochs: { least: quick.epochs, most: quick.epochs },
    });
  });

  it('counts the parameters of the networks that the preset makes', () => {
    const parameters = card
      .networks(quick, INPUT)
      .reduce((sum, network) => sum + summarizeNetwork(network).trainable, 0);

    expect(plan().parameters).toEqual({ least: parameters, most: parameters });
  });

  it('estimates time from a trial with equal networks, in proportion to the epochs', () => {
    const past = { trial: 't000001', method: 'ocgan', hyperparameters: { ...quick, epochs: 2 }, seconds: 10 };

    expect(plan([past]).estimate).toEqual({ seconds: 14 * (10 / 2) * quick.epochs, basedOn: 't000001' });
  });

  it.each([
    ['another method', { trial: 't', method: 'dae', hyperparameters: quick, seconds: 10 }],
    ['other networks', { trial: 't', method: 'ocgan', hyperparameters: { ...quick, latentSize: 33 }, seconds: 10 }],
  ])('does not estimate from %s', (_why, past) => {
    expect(plan([past as PastTrial]).estimate).toBeNull();
  });

  it('knows every preset', () => {
    for (const preset of PRESETS) {
      const other = { ...sweep, train: { ...sweep.train, preset } };
      expect(
        planMethod({ sweep: other, card, input: INPUT, classes: 2, past: [] }).planned.parameters.least,
      ).toBeGreaterThan(0);
    }
  });
});
