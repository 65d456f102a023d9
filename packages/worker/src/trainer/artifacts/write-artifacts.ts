import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { rocCurve, scoreHistogram } from '@adctl/evaluation';
import type { Model } from '@adctl/methods';
import { encodeWeights } from '@adctl/methods/kit';
import { type TrialSpec, toCanonicalJson } from '@adctl/protocol';
import type { WrittenArtifact } from '../../trainer-messages.js';
import type { Evaluation, TestSet } from '../evaluate.js';
import type { Curves } from '../training-progress.js';
import { drawCurves, drawHistogram, drawRoc } from './charts.js';
import { drawMapSheet } from './map-sheet.js';
import { drawSheet } from './sheet.js';

export interface ArtifactOptions {
  /** Folder the files are written to. */
  readonly directory: string;
  readonly spec: TrialSpec;
  /** With the kept weights. */
  readonly model: Model;
  readonly curves: Curves;
  /** Thread counts of the processes that trained, in order. */
  readonly threads: readonly number[];
  readonly keptEpoch: number | null;
  readonly test: TestSet;
  readonly evaluation: Evaluation;
}

/**
 * Writes what people look at beside the metrics: curves, ROC, histogram (numbers as JSON, pictures as SVG), the sheet of
 * extreme images, the sheet of anomaly maps where there are masks, every test score, and the model itself. Equal trials write equal bytes: nothing here holds a time.
 */
export async function writeArtifacts(options: ArtifactOptions): Promise<WrittenArtifact[]> {
  const { directory, spec, model, curves, threads, keptEpoch, test, evaluation } = options;
  const { labels } = test.split;
  const own = evaluation.scores.get(model.ownScore)!;
  const roc = rocCurve(own, labels);
  const histogram = scoreHistogram(own, labels);
  const files: readonly ArtifactFile[] = [
    ['curves', 'curves.json', JSON_TYPE, toJson({ version: 1, ...curves, keptEpoch, threads })],
    ['curves-chart', 'curves.svg', SVG_TYPE, drawCurves(curves, keptEpoch)],
    ['roc', 'roc.json', JSON_TYPE, toJson({ version: 1, auroc: evaluation.test.auroc, points: roc })],
    ['roc-chart', 'roc.svg', SVG_TYPE, drawRoc(roc, evaluation.test.auroc)],
    ['histogram', 'histogram.json', JSON_TYPE, toJson({ version: 1, ...histogram })],
    ['histogram-chart', 'histogram.svg', SVG_TYPE, drawHistogram(histogram)],
    ['sheet', 'sheet.png', 'image/png', await drawSheet({ model, test, scores: own })],
    ['scores', 'scores.json.gz', 'application/gzip', await promisify(gzip)(encodeScores(test, evaluation))],
    ...(await mapFiles(test, evaluation, own)),
    ['model', 'model.safetensors', 'application/octet-stream', await encodeModel(spec, model, evaluation)],
  ];
  await mkdir(directory, { recursive: true });
  for (const [, file, , content] of files) await writeFile(join(directory, file), content);
  return files.map(([name, file, contentType]) => ({ name, file, contentType }));
}

type ArtifactFile = readonly [name: string, file: string, contentType: string, content: Uint8Array | string];

/** The sheet of anomaly maps, and which images it shows; nothing without maps and masks. */
async function mapFiles(
  { images, truth }: TestSet,
  { localisation }: Evaluation,
  scores: Float32Array,
): Promise<ArtifactFile[]> {
  if (localisation === undefined || truth === undefined) return [];
  const { png, entries, range } = await drawMapSheet({ images, truth, localisation, scores });
  return [
    ['maps', 'maps.png', 'image/png', png],
    ['maps-shown', 'maps.json', JSON_TYPE, toJson({ version: 1, range, images: entries })],
  ];
}

const JSON_TYPE = 'application/json';
const SVG_TYPE = 'image/svg+xml';

const toJson = (value: unknown) => `${JSON.stringify(value)}\n`;

/**
 * Columns, one entry a test image: which part of the data set it lies in and where, its label, and every score. Scores are
 * float32 values; their decimals read back exactly.
 */
function encodeScores({ split }: TestSet, { scores }: Evaluation): string {
  const { train, test } = split.images;
  return toJson({
    version: 1,
    part: [...Array.from(train, () => 'train'), ...Array.from(test, () => 'test')],
    position: [...train, ...test],
    label: [...split.labels],
    scores: Object.fromEntries([...scores].map(([name, values]) => [name, [...values]])),
  });
}

/** The kept weights with everything needed to use them: method, hyperparameters, image size, thresholds. */
function encodeModel(spec: TrialSpec, model: Model, { calibration }: Evaluation): Promise<Uint8Array> {
  return encodeWeights(model, {
    method: spec.method,
    hyperparameters: toCanonicalJson(spec.hyperparameters),
    input: toCanonicalJson(spec.dataset.input),
    seed: String(spec.seed),
    score: model.ownScore,
    calibration: toCanonicalJson(calibration),
    identity: spec.identity,
  });
}
