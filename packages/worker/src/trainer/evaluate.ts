import type { Dataset, ImageList, TestSplit } from '@adctl/datasets';
import { auroc, calibrate, computeTestMetrics } from '@adctl/evaluation';
import type { Model } from '@adctl/methods';
import { AdctlError, type Calibration, type TestMetrics } from '@adctl/protocol';
import { type ImageSource, openImages } from './image-source.js';
import { type Localisation, localise, readTrueDefects, type TrueDefects } from './localise.js';
import { type Measuring, scoreByName, scoreImages } from './scoring.js';

/** The sealed test images, opened. Only this file and the files of artifacts take it. */
export interface TestSet {
  readonly split: TestSplit;
  readonly images: ImageSource;
  /** For data sets with masks. */
  readonly truth?: TrueDefects | undefined;
}

/** Test scores by name, in the card's order; `[images]` each, in the order of the split. */
export type TestScores = ReadonlyMap<string, Float32Array>;

export interface Evaluation {
  readonly test: TestMetrics;
  /** Test AUROC of the other scores asked for. */
  readonly otherScores: Readonly<Record<string, number>>;
  readonly calibration: Calibration;
  readonly scores: TestScores;
  /** Test images scored a second by the method's own score. */
  readonly scoredPerSecond: number;
  /** For report trials of methods with maps on data sets with masks. */
  readonly localisation?: Localisation;
}

export interface EvaluateOptions {
  readonly model: Model;
  /** Which of the card's scores to compute, the method's own first. */
  readonly scoreNames: readonly string[];
  readonly test: TestSet;
  /** Whether to make anomaly maps and compare them with the masks, where there are any. */
  readonly localises: boolean;
  /** Held-out normal images. */
  readonly calibration: ImageSource;
  /** Images scored at once. */
  readonly batch: number;
  /** Seed of the trial, for the bootstrap. */
  readonly seed: number;
  readonly stop: AbortSignal;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * Opens the test images of a trial and reads their masks, so that a bad one is found before hours of training.
 * @throws AdctlError user `corrupt_image`, `unsupported_image`, `bad_mask`, naming the file.
 */
export async function openTestSet(dataset: Dataset, split: TestSplit): Promise<TestSet> {
  const images: ImageList = split.images;
  return { split, images: await openImages(dataset, images), truth: await readTrueDefects(dataset, images) };
}

/**
 * Computes everything a completed trial reports from test and calibration images, with the weights as they are.
 *
 * @returns null when stopped.
 * @throws AdctlError `score_not_finite` (permanent): a model whose selection scores were fine breaks on other images.
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation | null> {
  const { model, scoreNames, test, batch, stop, now } = options;
  const calibrationScores = await scoreImages(model, options.calibration, { batch, stop });
  if (calibrationScores === null) return null;
  assertFinite(calibrationScores, 'calibration');

  const startedAt = now();
  const scores = await scoreByName(model, test.images, scoreNames, { batch, stop });
  if (scores === null) return null;
  const secondsPerPass = (now() - startedAt) / 1000 / (model.scoreAll === undefined ? scoreNames.length : 1);
  for (const [name, values] of scores) assertFinite(values, `test (${name})`);
  const { labels } = test.split;
  const own = scores.get(model.ownScore) as Float32Array;
  const others = [...scores].filter(([name]) => name !== model.ownScore);
  const { truth } = test;
  const wanted = options.localises && truth !== undefined && model.anomalyMap !== undefined;
  const localisation = wanted
    ? await localise((images) => model.anomalyMap!(images), test.images, truth, { batch, stop })
    : undefined;
  if (localisation === null) return null;
  return {
    test: computeTestMetrics(own, labels, options.seed),
    otherScores: Object.fromEntries(others.map(([name, values]) => [name, auroc(values, labels)])),
    calibration: calibrate(calibrationScores),
    scores,
    scoredPerSecond: test.images.count / Math.max(secondsPerPass, 1e-3),
    ...(localisation === undefined ? {} : { localisation }),
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
