import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Numbers } from './index.js';
import { auroc, averagePrecision, bootstrapAuroc, f1Max, fprAtTpr, rocCurve, scoreHistogram } from './index.js';
import { type Labelled, naiveAuroc, naiveAveragePrecision, naiveF1Max, naiveFprAtTpr } from './naive.fixtures.js';

/** Few distinct scores, so that ties within and across labels are common; always both labels. */
const tied = fc.integer({ min: -4, max: 4 });
const labelled: fc.Arbitrary<Labelled> = fc
  .record({
    rest: fc.array(fc.record({ score: tied, label: fc.constantFrom(0, 1) }), { maxLength: 60 }),
    normal: tied,
    anomalous: tied,
  })
  .map(({ rest, normal, anomalous }) => ({
    scores: [normal, ...rest.map(({ score }) => score), anomalous],
    labels: [0, ...rest.map(({ label }) => label), 1],
  }));

/** Strictly increasing on small integers without rounding any two together. */
const increasing = [
  (x: number) => 3 * x + 7,
  (x: number) => x ** 3 + x,
  (x: number) => 2 ** x,
  (x: number) => Math.atan(x),
];

const metrics = {
  auroc,
  averagePrecision,
  f1Max: (scores: Numbers, labels: Numbers) => f1Max(scores, labels).f1,
  fprAtTpr: (scores: Numbers, labels: Numbers) => fprAtTpr(scores, labels),
};

describe('against a naive reference', () => {
  test('AUROC, AP, F1-max and FPR at several TPR agree', () => {
    fc.assert(
      fc.property(labelled, fc.constantFrom(5, 50, 80, 95, 100), (data, percent) => {
        const { scores, labels } = data;

        expect(auroc(scores, labels)).toBeCloseTo(naiveAuroc(data), 12);
        expect(averagePrecision(scores, labels)).toBeCloseTo(naiveAveragePrecision(data), 12);
        expect(f1Max(scores, labels).f1).toBeCloseTo(naiveF1Max(data), 12);
        expect(fprAtTpr(scores, labels, percent / 100)).toBeCloseTo(naiveFprAtTpr(data, percent), 12);
      }),
    );
  });

  test('the threshold of F1-max reaches it', () => {
    fc.assert(
      fc.property(labelled, ({ scores, labels }) => {
        const { f1, threshold } = f1Max(scores, labels);
        const called = scores.map((score) => (score >= threshold ? 1 : 0));
        const tp = called.filter((call, i) => call === 1 && labels[i] === 1).length;
        const wrong = called.filter((call, i) => call !== labels[i]).length;

        expect((2 * tp) / (2 * tp + wrong)).toBeCloseTo(f1, 12);
      }),
    );
  });
});

describe.each(Object.entries(metrics))('%s', (name, metric) => {
  test('does not change under strictly increasing maps', () => {
    fc.assert(
      fc.property(labelled, fc.constantFrom(...increasing), ({ scores, labels }, map) => {
        expect(metric(scores.map(map), labels)).toBe(metric(scores, labels));
      }),
    );
  });

  test('does not depend on the order of images or the kind of array', () => {
    fc.assert(
      fc.property(labelled, fc.infiniteStream(fc.nat()), ({ scores, labels }, keys) => {
        const order = scores.map((_, i) => ({ i, key: keys.next().value ?? 0 })).sort((a, b) => a.key - b.key);
        const moved = Float32Array.from(order, ({ i }) => scores[i] as number);
        const movedLabels = Uint8Array.from(order, ({ i }) => labels[i] as number);

        expect(metric([...moved], [...movedLabels])).toBe(metric(scores, labels));
        expect(metric(moved, movedLabels)).toBe(metric(scores, labels));
      }),
    );
  });

  test('stays in [0, 1]', () => {
    fc.assert(
      fc.property(labelled, ({ scores, labels }) => {
        const value = metric(scores, labels);

        expect(value >= 0 && value <= 1).toBe(true);
      }),
    );
  });

  test.each([
    ['only normal images', [1, 2], [0, 0]],
    ['only anomalous images', [1, 2], [1, 1]],
    ['no images', [], []],
    ['a NaN score', [1, Number.NaN], [0, 1]],
    ['an infinite score', [1, Number.POSITIVE_INFINITY], [0, 1]],
    ['a label that is neither', [1, 2, 3], [0, 1, 2]],
    ['fewer labels than scores', [1, 2, 3], [0, 1]],
  ])(`${name} of %s is an error`, (_, scores, labels) => {
    expect(() => metric(scores, labels)).toThrow(
      expect.objectContaining({ code: 'undefined_metric', kind: 'permanent' }),
    );
  });
});

describe('AUROC', () => {
  test('becomes 1 - x when labels flip and when scores are negated', () => {
    fc.assert(
      fc.property(labelled, ({ scores, labels }) => {
        const value = auroc(scores, labels);

        expect(
          auroc(
            scores,
            labels.map((label) => 1 - label),
          ),
        ).toBeCloseTo(1 - value, 12);
        expect(
          auroc(
            scores.map((score) => -score),
            labels,
          ),
        ).toBeCloseTo(1 - value, 12);
      }),
    );
  });

  test('is one half when all scores are equal, 1 when separated, and 0 and -0 are one score', () => {
    expect(auroc([5, 5, 5], [0, 1, 1])).toBe(0.5);
    expect(auroc([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
    expect(auroc([0, -0], [0, 1])).toBe(0.5);
  });

  test('is the area under the ROC curve', () => {
    fc.assert(
      fc.property(labelled, ({ scores, labels }) => {
        const points = rocCurve(scores, labels, 1000);
        const area = points.slice(1).reduce((sum, point, i) => {
          const before = points[i] as (typeof points)[number];
          return sum + ((point.fpr - before.fpr) * (point.tpr + before.tpr)) / 2;
        }, 0);

        expect(area).toBeCloseTo(auroc(scores, labels), 12);
      }),
    );
  });
});

describe('average precision', () => {
  test('is at least what anomalies last would give, and 1 exactly when they come first', () => {
    fc.assert(
      fc.property(labelled, ({ scores, labels }) => {
        const anomalies = labels.filter((label) => label === 1).length;
        const normals = labels.length - anomalies;
        let worst = 0;
        for (let k = 1; k <= anomalies; k++) worst += k / (normals + k) / anomalies;
        const separated =
          Math.min(...scores.filter((_, i) => labels[i] === 1)) > Math.max(...scores.filter((_, i) => labels[i] === 0));

        const value = averagePrecision(scores, labels);

        expect(value).toBeGreaterThanOrEqual(worst - 1e-12);
        expect(value === 1).toBe(separated);
      }),
    );
  });
});

describe('drawings', () => {
  test('a thinned ROC curve keeps its ends, its order and a bounded number of points', () => {
    const images = 5000;
    const scores = Array.from({ length: images }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) % 1);
    const labels = scores.map((_, i) => i % 2);

    const points = rocCurve(scores, labels, 100);

    expect(points.length).toBeLessThanOrEqual(101);
    expect(points[0]).toEqual({ fpr: 0, tpr: 0, threshold: null });
    expect(points.at(-1)).toMatchObject({ fpr: 1, tpr: 1 });
    for (const [i, point] of points.slice(1).entries()) {
      expect(point.fpr + point.tpr).toBeGreaterThan((points[i]?.fpr ?? 0) + (points[i]?.tpr ?? 0));
    }
  });

  test('a histogram holds every image once, in the bin its score is in', () => {
    fc.assert(
      fc.property(labelled, fc.integer({ min: 1, max: 9 }), ({ scores, labels }, bins) => {
        const { edges, normal, anomalous } = scoreHistogram(scores, labels, bins);
        const expected = (label: number) =>
          Array.from(
            { length: bins },
            (_, b) =>
              scores.filter((score, i) => {
                const low = edges[b] as number;
                const high = edges[b + 1] as number;
                return labels[i] === label && score >= low && (score < high || (b === bins - 1 && score <= high));
              }).length,
          );

        expect(edges).toHaveLength(bins + 1);
        expect(normal).toEqual(expected(0));
        expect(anomalous).toEqual(expected(1));
        expect([...normal, ...anomalous].reduce((a, b) => a + b)).toBe(scores.length);
      }),
    );
  });
});

describe('bootstrap interval', () => {
  test('contains the estimate of a middling model, narrows with more images, repeats with its seed', () => {
    const make = (images: number) => {
      const scores = Array.from({ length: images }, (_, i) => ((i * 7919) % 1009) / 1009 + (i % 2) * 0.3);
      return [scores, scores.map((_, i) => i % 2)] as const;
    };
    const small = make(100);
    const large = make(2000);

    const [low, high] = bootstrapAuroc(...small, { seed: 1, resamples: 500 });
    const [lowLarge, highLarge] = bootstrapAuroc(...large, { seed: 1, resamples: 500 });

    expect(low).toBeLessThan(auroc(...small));
    expect(high).toBeGreaterThan(auroc(...small));
    expect(highLarge - lowLarge).toBeLessThan((high - low) / 2);
    expect(bootstrapAuroc(...small, { seed: 1, resamples: 500 })).toEqual([low, high]);
    expect(bootstrapAuroc(...small, { seed: 2, resamples: 500 })).not.toEqual([low, high]);
  });

  test('its width is that of the normal approximation for independent scores', () => {
    // Hanley and McNeil (1982): for AUROC A, Q1 = A / (2 - A), Q2 = 2 A^2 / (1 + A).
    const images = 1000;
    const scores = Array.from({ length: images }, (_, i) => ((i * 7919) % 1009) / 1009 + (i % 2) * 0.3);
    const labels = scores.map((_, i) => i % 2);
    const a = auroc(scores, labels);
    const n = images / 2;
    const variance =
      (a * (1 - a) + (n - 1) * (a / (2 - a) - a * a) + (n - 1) * ((2 * a * a) / (1 + a) - a * a)) / (n * n);

    const [low, high] = bootstrapAuroc(scores, labels, { seed: 3 });

    expect((high - low) / (2 * 1.96 * Math.sqrt(variance))).toBeGreaterThan(0.85);
    expect((high - low) / (2 * 1.96 * Math.sqrt(variance))).toBeLessThan(1.15);
  });

  test('a perfect separation has no width', () => {
    expect(bootstrapAuroc([1, 2, 3, 4], [0, 0, 1, 1], { seed: 1 })).toEqual([1, 1]);
  });
});
