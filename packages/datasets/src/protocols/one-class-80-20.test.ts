import { describe, expect, it } from 'vitest';
import { planSplits } from '../plan-splits.js';
import { fakeDataset } from '../testing/fake-dataset.fixtures.js';

const of = (counts: readonly number[]) => counts.flatMap((count, label) => Array<number>(count).fill(label));
const classes = ['a', 'b', 'c', 'd'];
const dataset = fakeDataset({ classes, train: of([160, 50, 50, 50]), test: of([40, 20, 20, 20]) });
const request = { protocol: 'one-class-80-20', normal: 'a', splitSeed: 3 };
const sizeOf = (list: { train: Int32Array; test: Int32Array }) => list.train.length + list.test.length;

describe('one-class-80-20', () => {
  it('trains on 80 % of the pooled normal images, hold-outs included, and tests on the other 20 %', () => {
    const splits = planSplits(dataset, request);

    expect([splits.train, splits.selection, splits.calibration].map(sizeOf)).toEqual([144, 8, 8]);
    expect(splits.test.labels.filter((label) => label === 0)).toHaveLength(40);
    expect(splits.train.train.length).toBeGreaterThan(0);
    expect(splits.train.test.length).toBeGreaterThan(0);
  });

  it('takes round(normal test images / other classes) anomalies of each other class, from both parts', () => {
    const { images } = planSplits(dataset, request).test;

    const labels = [
      ...Array.from(images.train, (index) => dataset.train.labels[index]),
      ...Array.from(images.test, (index) => dataset.test.labels[index]),
    ];

    expect([1, 2, 3].map((label) => labels.filter((candidate) => candidate === label).length)).toEqual([13, 13, 13]);
    expect(Array.from(images.train).some((index) => dataset.train.labels[index] !== 0)).toBe(true);
    expect(Array.from(images.test).some((index) => dataset.test.labels[index] !== 0)).toBe(true);
  });

  it('names the class that has too few images for its share', () => {
    const uneven = fakeDataset({ classes, train: of([160, 50, 10, 50]), test: of([40, 20, 2, 20]) });

    expect(() => planSplits(uneven, request)).toThrowError(
      expect.objectContaining({
        code: 'too_few_images',
        message: expect.stringMatching(/class 'c' has 12 images;.*needs 13/),
      }),
    );
  });
});
