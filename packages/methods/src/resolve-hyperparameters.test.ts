import { describe, expect, test } from 'vitest';
import { dae } from './dae/method.js';
import { resolveHyperparameters } from './resolve-hyperparameters.js';

const GREY_28 = { height: 28, width: 28, channels: 1 };

describe('resolving hyperparameters', () => {
  test('overrides win over the preset, the preset over the schema', () => {
    const overrides = { latentSize: 8 };
    const { hyperparameters } = resolveHyperparameters(dae, { preset: 'quick', input: GREY_28, overrides });

    expect(hyperparameters).toMatchObject({ latentSize: 8, arch: 'dense-deep', epochs: 10, learningRate: 1e-3 });
  });

  test('shows the beginning of a long value', () => {
    const overrides = { hiddenUnits: Array.from({ length: 5_000 }, () => 16) };
    const { issues } = resolveHyperparameters(dae, { preset: 'quick', input: GREY_28, overrides });

    expect(issues.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^hiddenUnits must have at most 8 entries, is \[16,16,.{50,60}…$/),
    ]);
  });

  test('lists every mistake at once, with path and suggestion', () => {
    const overrides = { arch: 'dense-depe', latentSice: 8, batchSize: 0.5, hiddenUnits: [64, -1], noiseSigma: null };
    const { issues } = resolveHyperparameters(dae, { preset: 'quick', input: GREY_28, overrides });

    expect(issues).toHaveLength(5);
    expect(issues).toContainEqual({
      path: ['arch'],
      code: 'wrong_value',
      message: 'arch must be dense-shallow or dense-deep or conv, is "dense-depe"',
      suggestion: 'did you mean dense-deep?',
    });
    expect(issues).toContainEqual({
      path: ['latentSice'],
      code: 'unknown_name',
      message: "method dae has no hyperparameter 'latentSice'",
      suggestion: 'did you mean latentSize?',
    });
    expect(issues).toContainEqual({
      path: ['hiddenUnits', 1],
      code: 'wrong_value',
      message: 'hiddenUnits.1 must be at least 1, is -1',
    });
    expect(issues.map((issue) => issue.message)).toContain('batchSize must be a whole number, is 0.5');
    expect(issues.map((issue) => issue.message)).toContain('noiseSigma must be a finite number, is null');
  });

  test('values that are legal one by one can be refused together', () => {
    const overrides = { arch: 'conv', tied: true };
    const { issues } = resolveHyperparameters(dae, { preset: 'quick', input: GREY_28, overrides });

    expect(issues).toEqual([
      { path: [], code: 'refused_value', message: expect.stringMatching(/tied weights exist for the dense/) },
    ]);
  });

  test('passes the warnings of the card on', () => {
    const input = { height: 128, width: 128, channels: 3 };

    expect(resolveHyperparameters(dae, { preset: 'quick', input }).warnings).toEqual([
      expect.stringMatching(/not recommended above 64x64x3/),
    ]);
    expect(resolveHyperparameters(dae, { preset: 'default', input }).warnings).toEqual([]);
  });
});
