import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSplits, protocolsFor } from './plan-splits.js';
import type { ImageList, Splits } from './splits.js';
import { fakeDataset } from './testing/fake-dataset.fixtures.js';

const CLASS_COUNT = 4;
const classes = Array.from({ length: CLASS_COUNT }, (_, index) => `class-${index}`);

/** Every class has 20 to 40 training and 12 to 20 test images, in any order. */
const datasetArbitrary = fc
  .record({
    train: fc.array(fc.integer({ min: 20, max: 40 }), { minLength: CLASS_COUNT, maxLength: CLASS_COUNT }),
    test: fc.array(fc.integer({ min: 12, max: 20 }), { minLength: CLASS_COUNT, maxLength: CLASS_COUNT }),
  })
  .chain(({ train, test }) => {
    const labels = (counts: readonly number[]) => counts.flatMap((count, label) => Array<number>(count).fill(label));
    const shuffled = (values: number[]) =>
      fc.shuffledSubarray(values, { minLength: values.length, maxLength: values.length });
    return fc.record({ train: shuffled(labels(train)), test: shuffled(labels(test)) });
  })
  .map((labels) => fakeDataset({ classes, ...labels }));

const choices = protocolsFor({}).flatMap(({ name, normals }) =>
  normals(classes).map((normal) => ({ protocol: name, normal })),
);
const requestArbitrary = fc
  .record({
    choice: fc.constantFrom(...choices),
    splitSeed: fc.integer(),
    selectionFraction: fc.double({ min: 0.01, max: 0.4, noNaN: true }),
    calibrationFraction: fc.double({ min: 0.01, max: 0.4, noNaN: true }),
  })
  .map(({ choice, ...rest }) => ({ ...choice, ...rest }));

/** What a request calls normal, read off its name alone. */
const isNormal = ({ normal }: { readonly normal: string }, label: number | undefined) => {
  const name = classes[label ?? -1];
  return normal.startsWith('all-but-') ? normal !== `all-but-${name}` : normal === name;
};

const keysOf = (list: ImageList) => [
  ...Array.from(list.train, (index) => `train ${index}`),
  ...Array.from(list.test, (index) => `test ${index}`),
];
const listsOf = (splits: Splits) => [splits.train, splits.selection, splits.calibration, splits.test.images];

describe('planSplits, for every protocol', () => {
  it('never gives an image to two splits, nor twice to one', () => {
    fc.assert(
      fc.property(datasetArbitrary, requestArbitrary, (dataset, request) => {
        const keys = listsOf(planSplits(dataset, request)).flatMap(keysOf);

        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  it('puts only normal images outside test, and labels every test image by its class', () => {
    fc.assert(
      fc.property(datasetArbitrary, requestArbitrary, (dataset, request) => {
        const splits = planSplits(dataset, request);
        const labelsOf = (list: ImageList) => [
          ...Array.from(list.train, (index) => dataset.train.labels[index]),
          ...Array.from(list.test, (index) => dataset.test.labels[index]),
        ];

        for (const list of [splits.train, splits.selection, splits.calibration]) {
          expect(labelsOf(list).every((label) => isNormal(request, label))).toBe(true);
        }
        expect([...splits.test.labels]).toEqual(
          labelsOf(splits.test.images).map((label) => (isNormal(request, label) ? 0 : 1)),
        );
        expect(new Set(splits.test.labels)).toEqual(new Set([0, 1]));
      }),
    );
  });

  it('holds out the asked-for shares of the normal training images', () => {
    fc.assert(
      fc.property(datasetArbitrary, requestArbitrary, (dataset, request) => {
        const splits = planSplits(dataset, request);
        const sizeOf = (list: ImageList) => list.train.length + list.test.length;
        const pool = sizeOf(splits.train) + sizeOf(splits.selection) + sizeOf(splits.calibration);

        expect(sizeOf(splits.selection)).toBe(Math.max(1, Math.round(request.selectionFraction * pool)));
        expect(sizeOf(splits.calibration)).toBe(Math.max(1, Math.round(request.calibrationFraction * pool)));
      }),
    );
  });

  it('is decided by the seed: the same gives the same digest and lists, another gives others', () => {
    fc.assert(
      fc.property(datasetArbitrary, requestArbitrary, (dataset, request) => {
        const first = planSplits(dataset, request);
        const again = planSplits(dataset, request);
        const other = planSplits(dataset, { ...request, splitSeed: request.splitSeed + 1 });

        expect(again).toEqual(first);
        expect(other.digest).not.toBe(first.digest);
        expect(listsOf(other)).not.toEqual(listsOf(first));
      }),
      { numRuns: 50 },
    );
  });
});
