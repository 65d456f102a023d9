import type { Dataset, ImageList, TestSplit } from '@adctl/datasets';
import { auroc, calibrate, computeTestMetrics } from '@adctl/evaluation';
import type { Model } from '@adctl/methods';
import { AdctlError, type Calibration, type TestMetrics } from '@adctl/protocol';
import { type ImageSource, openImages } from './image-source.js';
import { type Measuring, scoreByName, scoreImages } from './scoring.js';

/** The sealed test images, opened. Only this file and the files of artifacts take it. */
export interface TestSet {
  readonly split: TestSplit;
  readonly images: ImageSource;
}

/** Test scores by name, in the card's order; `[images]` each, in the order of the split. */
export type TestScores = ReadonlyMap<string, Float32Array>;

export interface Evaluation {
  readonly test: TestMetrics;
  /** Test AUROC of the other scores asked for. */
  readonly otherScores: Readonly<Record<string, number>>;
  readonly calibration: Calibration;
  readonly scores: TestScores;
}

export interface EvaluateOptions {
  readonly model: Model;
  /** Which of the card's scores to compute, the method's own first. */
  readonly scoreNames: readonly string[];
  readonly test: TestSet;
  /** Held-out normal images. */
  readonly calibration: ImageSource;
  /** Images scored at once. */
  readonly batch: number;
  /** Seed of the trial, for the bootstrap. */
  readonly seed: number;
  readonly stop: AbortSignal;
}

/** Opens the test images of a trial. */
export async function openTestSet(dataset: Dataset, split: TestSplit): Promise<TestSet> {
  const images: ImageList = split.images;
  return { split, images: await openImages(dataset, images) };
}

/**
 * Computes everything a completed trial reports from test and calibration images, with the weights as they are.
 *
 * @returns null when stopped.
 * @throws AdctlError `score_not_finite` (permanent): a model whose selection scores were fine breaks on other images.
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation | null> {
  const { model, scoreNames, test, batch, stop } = options;
  const calibrationScores = await scoreImages(model, options.calibration, { batch, stop });
  if (calibrationScores === null) return null;
  assertFinite(calibrationScores, 'calibration');

  const scores = await scoreByName(model, test.images, scoreNames, { batch, stop });
  if (scores === null) return null;
  for (const [name, values] of scores) assertFinite(values, `test (${name})`);
  const { labels } = test.split;
  const own = scores.get(model.ownScore) as Float32Array;
  const others = [...scores].filter(([name]) => name !== model.ownScore);
  return {
    test: computeTestMetrics(own, labels, options.seed),
    otherScores: Object.fromEntries(others.map(([name, values]) => [name, auroc(values, labels)])),
    calibration: calibrate(calibrationScores),
    scores,
  };
}

/** Test AUROC of the method's own score, with the weights as they are; null when stopped. */
export async function measureUntrained(model: Model, test: TestSet, measuring: Measuring): Promise<number | null> {
  const scores = await scoreImages(model, test.images, measuring);
  if (scores === null) return null;
  assertFinite(scores, 'test (untrained)');
  return auroc(scores, test.split.labels);
}

function assertFinite(scores: Float32Array, where: string): void {
  const position = scores.findIndex((score) => !Number.isFinite(score));
  if (position < 0) return;
  throw new AdctlError(`The score of image ${position} of the ${where} images is ${scores[position]}.`, {
    code: 'score_not_finite',
    kind: 'permanent',
    details: { where, position },
  });
}
