import { describe, expect, it } from 'vitest';
import { planSplits } from '../plan-splits.js';
import { fakeDataset } from '../testing/fake-dataset.fixtures.js';

const of = (counts: readonly number[]) => counts.flatMap((count, label) => Array<number>(count).fill(label));
const dataset = fakeDataset({ classes: ['a', 'b', 'c'], train: of([40, 30, 20]), test: of([4, 3, 2]) });
const request = { protocol: 'leave-one-out', normal: 'all-but-b', splitSeed: 3 };

describe('leave-one-out', () => {
  it('trains on the training images of every class but one', () => {
    const { train, selection, calibration } = planSplits(dataset, request);
    const all = [train, selection, calibration].flatMap((list) => [...list.train]);

    expect(all.sort((a, b) => a - b)).toEqual([...Array(40).keys(), ...Array.from({ length: 20 }, (_, i) => 70 + i)]);
    expect([train, selection, calibration].every((list) => list.test.length === 0)).toBe(true);
  });

  it('tests on the normal test images and on the images of the left-out class of both parts', () => {
    const { images, labels } = planSplits(dataset, request).test;

    expect([...images.train]).toEqual(Array.from({ length: 30 }, (_, i) => 40 + i));
    expect([...images.test]).toEqual([...Array(9).keys()]);
    expect([...labels]).toEqual([...Array(30).fill(1), 0, 0, 0, 0, 1, 1, 1, 0, 0]);
  });

  it('offers the name that says what is normal to someone who names the class', () => {
    expect(() => planSplits(dataset, { ...request, normal: 'b' })).toThrowError(
      expect.objectContaining({ code: 'unknown_class', hint: expect.stringContaining('all-but-b') }),
    );
  });
});
