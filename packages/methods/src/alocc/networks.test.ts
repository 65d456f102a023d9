import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { checkpointRule, Hyperparameters, warn } from './hyperparameters.js';
import { alocc } from './method.js';
import { planNetworks } from './networks.js';

const CODE = { arch: 'code', width: 16 } as const;
const PAPER = { arch: 'paper', width: 64 } as const;
const square = (side: number, channels: number) => ({ height: side, width: side, channels });
const summariesOf = (h: Pick<Hyperparameters, 'arch' | 'width'>, side: number, channels: number) =>
  planNetworks(h, square(side, channels)).map(summarizeNetwork);

describe('parameter counts', () => {
  test.each([
    [CODE, 28, 1, 373_217, 270_401],
    [CODE, 32, 1, 373_217, 270_401],
    [CODE, 32, 3, 375_619, 271_201],
    [CODE, 45, 1, 373_217, 271_041],
    [PAPER, 28, 1, 8_609_025, 4_307_201],
    [PAPER, 32, 1, 8_609_025, 4_307_201],
    [PAPER, 32, 3, 8_615_427, 4_310_401],
    [PAPER, 64, 3, 8_615_427, 4_316_545],
  ])('%o on side %i with %i channels', (h, side, channels, r, d) => {
    const [reconstructor, discriminator] = summariesOf(h, side, channels);

    expect([reconstructor!.trainable, discriminator!.trainable]).toEqual([r, d]);
    expect(reconstructor!.output).toEqual([side, side, channels]);
    expect(discriminator!.output).toEqual([1]);
  });
});

describe('sides', () => {
  const sidesOf = (h: Pick<Hyperparameters, 'arch' | 'width'>, side: number, network: 0 | 1) =>
    summariesOf(h, side, 1)
      [network]!.layers.filter(({ plan }) => plan.kind === 'conv2d' || plan.kind === 'conv2dTranspose')
      .map(({ outputShape }) => outputShape[0]);

  test.each([
    [28, [14, 7, 4, 7, 14, 28], [14, 7, 4, 2]],
    [32, [16, 8, 4, 8, 16, 32], [16, 8, 4, 2]],
    [45, [23, 12, 6, 12, 23, 45], [23, 12, 6, 3]],
  ])('of %i pixels come back the way they went', (side, reconstructor, discriminator) => {
    expect(sidesOf(CODE, side, 0)).toEqual(reconstructor);
    expect(sidesOf(CODE, side, 1)).toEqual(discriminator);
  });

  test('the paper goes one stage further', () => {
    expect(sidesOf(PAPER, 28, 0)).toEqual([14, 7, 4, 2, 4, 7, 14, 28]);
  });

  test('heights and widths may differ', () => {
    const [reconstructor] = planNetworks(CODE, { height: 30, width: 21, channels: 3 }).map(summarizeNetwork);

    expect(reconstructor!.output).toEqual([30, 21, 3]);
  });
});

describe('hyperparameters', () => {
  const preset = (name: 'paper' | 'default' | 'quick') =>
    resolveHyperparameters(alocc, { preset: name, input: square(28, 1) }).hyperparameters;

  test('presets', () => {
    expect(preset('paper')).toMatchObject({ ...PAPER, recLoss: 'l2sum', lambdaRec: 0.4, stop: 'rho', batchSize: 128 });
    expect(preset('default')).toMatchObject({ ...CODE, recLoss: 'mse', lambdaRec: 0.4, noiseSigma: 0.31, epochs: 40 });
    expect(preset('quick')).toMatchObject({ arch: 'code', width: 8, recLoss: 'mse' });
  });

  test('the stopping rule is a checkpoint rule of the held-out error', () => {
    const ruleOf = (changes: Partial<Hyperparameters>) => checkpointRule(Hyperparameters.parse(changes));

    expect(ruleOf({})).toEqual({ rule: 'best', metric: 'selection.loss', burnIn: 0 });
    expect(ruleOf({ stop: 'rho', rho: 0.1 })).toEqual({
      rule: 'best',
      metric: 'selection.loss',
      burnIn: 0,
      enough: 0.1,
    });
    expect(ruleOf({ stop: 'last' })).toEqual({ rule: 'last' });
  });

  test('statistics of the test batch are warned of', () => {
    expect(warn(Hyperparameters.parse({ bnAtTest: 'batch' }))[0]).toMatch(/depend on the others in its batch/);
    expect(warn(Hyperparameters.parse({}))).toEqual([]);
  });
});
