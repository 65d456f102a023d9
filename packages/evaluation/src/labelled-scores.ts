import { AdctlError } from '@adctl/protocol';

/** Numbers by position; typed arrays and plain arrays alike. */
export type Numbers = ArrayLike<number>;

/** Scores cut apart by label, each sorted ascending. Fresh buffers. */
export interface LabelledScores {
  /** Scores of label 0. */
  readonly normal: Float64Array;
  /** Scores of label 1. */
  readonly anomalous: Float64Array;
}

/** One step down the scores: everything at or above `threshold` is called anomalous. */
export interface ThresholdStep {
  readonly threshold: number;
  /** Anomalous images at or above the threshold. */
  readonly truePositives: number;
  /** Normal images at or above it. */
  readonly falsePositives: number;
}

/** Thrown (kind permanent, code `undefined_metric`) where a metric has no value; it is never replaced by 0.5 or 0. */
export function undefinedMetric(reason: string, details: Record<string, unknown> = {}): AdctlError {
  return new AdctlError(`metric undefined: ${reason}`, {
    code: 'undefined_metric',
    kind: 'permanent',
    hint: 'Look at the scores of this trial and at the labels of its split.',
    details,
  });
}

/**
 * Checks and sorts scores.
 *
 * @param scores `[images]`, finite, higher = more anomalous.
 * @param labels `[images]`, 0 normal, 1 anomalous.
 * @throws AdctlError `undefined_metric` when lengths differ, a score is not finite, a label is neither 0 nor 1, or one
 * of the two classes has no image.
 */
export function splitByLabel(scores: Numbers, labels: Numbers): LabelledScores {
  const { length } = scores;
  if (labels.length !== length) throw undefinedMetric(`${length} scores for ${labels.length} labels`);
  if (length === 0) throw undefinedMetric('there are no scores');
  let anomalies = 0;
  for (let i = 0; i < length; i++) {
    if (!Number.isFinite(scores[i])) throw undefinedMetric(`score ${i} is ${scores[i]}`, { index: i });
    if (labels[i] !== 0 && labels[i] !== 1) throw undefinedMetric(`label ${i} is ${labels[i]}`, { index: i });
    anomalies += labels[i] as number;
  }
  if (anomalies === 0) throw undefinedMetric('all images are normal', { images: length });
  if (anomalies === length) throw undefinedMetric('all images are anomalous', { images: length });

  const normal = new Float64Array(length - anomalies);
  const anomalous = new Float64Array(anomalies);
  let n = 0;
  let a = 0;
  for (let i = 0; i < length; i++) {
    if (labels[i] === 0) normal[n++] = scores[i] as number;
    else anomalous[a++] = scores[i] as number;
  }
  // `+ 0` turns -0 into 0: typed arrays sort -0 before 0, which are one score.
  return { normal: normal.map((x) => x + 0).sort(), anomalous: anomalous.map((x) => x + 0).sort() };
}

/** Distinct scores from the highest to the lowest with counts so far; the last step holds all images. */
export function* thresholdSteps({ normal, anomalous }: LabelledScores): Generator<ThresholdStep> {
  let n = normal.length;
  let a = anomalous.length;
  while (n > 0 || a > 0) {
    const threshold = Math.max(normal[n - 1] ?? Number.NEGATIVE_INFINITY, anomalous[a - 1] ?? Number.NEGATIVE_INFINITY);
    while (n > 0 && normal[n - 1] === threshold) n--;
    while (a > 0 && anomalous[a - 1] === threshold) a--;
    yield { threshold, truePositives: anomalous.length - a, falsePositives: normal.length - n };
  }
}
