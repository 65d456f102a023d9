import { describe, expect, it } from 'vitest';
import { planSplits } from './plan-splits.js';
import { fakeDataset } from './testing/fake-dataset.fixtures.js';

const alternating = (length: number) => Array.from({ length }, (_, index) => index % 2);
const dataset = fakeDataset({ classes: ['cat', 'dog'], train: alternating(200), test: alternating(40) });
const request = { protocol: 'one-class', normal: 'dog', splitSeed: 7 };

describe('planSplits', () => {
  it('trains on 90 % of the normal class and tests on the whole test part under one-class', () => {
    const splits = planSplits(dataset, request);

    expect(splits.train.train).toHaveLength(90);
    expect(splits.selection.train).toHaveLength(5);
    expect(splits.calibration.train).toHaveLength(5);
    expect([splits.train.test, splits.selection.test, splits.calibration.test].every((list) => list.length === 0)).toBe(
      true,
    );
    expect(splits.test.images.train).toHaveLength(0);
    expect([...splits.test.images.test]).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect([...splits.test.labels]).toEqual(alternating(40).map((label) => 1 - label));
  });

  it('keeps the splits it cut in the first release, so old results stay comparable', () => {
    const splits = planSplits(dataset, request);

    expect([...splits.selection.train]).toMatchInlineSnapshot(`
      [
        1,
        55,
        121,
        123,
        167,
      ]
    `);
    expect([...splits.calibration.train]).toMatchInlineSnapshot(`
      [
        23,
        53,
        137,
        139,
        195,
      ]
    `);
    expect(splits.digest).toMatchInlineSnapshot(`"7295218dea30f523990b59a358dfbe209acca15c9efee150ea32fd176639a459"`);
  });

  it('stamps another digest when the data is other', () => {
    const other = { ...dataset, digest: fakeDataset({ classes: [], train: [], test: [] }).digest };

    expect(planSplits(other, request).digest).not.toBe(planSplits(dataset, request).digest);
  });

  it.each([
    [{ protocol: 'one-clas' }, 'unknown_protocol', "Did you mean 'one-class'?"],
    [{ normal: 'dgo' }, 'unknown_class', "Did you mean 'dog'?"],
    [{ selectionFraction: 0.5 }, 'bad_split_option', 'below 0.5'],
    [{ calibrationFraction: 0 }, 'bad_split_option', 'above 0'],
    [{ selectionFraction: Number.NaN }, 'bad_split_option', 'above 0'],
    [{ splitSeed: 1.5 }, 'bad_split_option', 'whole number'],
  ])('refuses %o with a hint', (change, code, hint) => {
    expect(() => planSplits(dataset, { ...request, ...change })).toThrowError(
      expect.objectContaining({ kind: 'user', code, hint: expect.stringContaining(hint) }),
    );
  });

  it.each([
    ['a class too small to hold anything out', { train: [0, 0, 1, 1, 1], test: [0, 1] }],
    ['a test part without normal images', { train: [0, 0, 0, 0], test: [1, 1] }],
    ['a test part without anomalous images', { train: [0, 0, 0, 0], test: [0, 0] }],
  ])('refuses %s', (_, labels) => {
    const small = fakeDataset({ classes: ['cat', 'dog'], ...labels });

    expect(() => planSplits(small, { ...request, normal: 'cat' })).toThrowError(
      expect.objectContaining({ kind: 'user', code: 'too_few_images' }),
    );
  });
});
