import { auroc } from '@adctl/evaluation';
import { createGenerator } from '@adctl/random';
import { createToyTextures, TOY_DEFECTS, type ToyTexture, type ToyTextures } from '@adctl/testkit';
import type { Tensor3D } from '@tensorflow/tfjs';
import { read, readLosses, toReader } from '../contracts/trial.js';
import { gatherImages, planEpoch } from '../kit/batching.js';
import { encodeWeights, restoreWeights } from '../kit/checkpoint.js';
import type { CommonHyperparameters, MethodCard, Model } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';

export interface TextureExperiment {
  readonly card: MethodCard;
  readonly texture: ToyTexture;
  readonly seed: number;
  /** Changes to the `quick` preset. */
  readonly hyperparameters?: Readonly<Record<string, unknown>>;
  /** Ways to draw the anomaly map: changes to the hyperparameters that leave the weights alone. */
  readonly maps: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly isTrained: boolean;
}

export interface TextureResult {
  /** Image AUROC of every score of the card. */
  readonly image: Readonly<Record<string, number>>;
  /** Pixel AUROC of every way to draw the map. */
  readonly pixel: Readonly<Record<string, number>>;
  readonly trainingSeconds: number;
  readonly scoringSeconds: number;
}

const TRAINING_IMAGES = 60;
const TEST_IMAGES = 20;

/**
 * The sanity experiment on toy textures: 60 flawless grey 64x64 images to train on, 20 flawless ones and 20 with each
 * kind of defect to test on.
 */
export async function runTextureExperiment(experiment: TextureExperiment): Promise<TextureResult> {
  const { card, texture, seed, maps } = experiment;
  const normal = createToyTextures({ texture, count: TRAINING_IMAGES, seed, defect: 'none' });
  const tests = (['none', ...TOY_DEFECTS] as const).map((defect) =>
    createToyTextures({ texture, count: TEST_IMAGES, seed: seed + 1000, defect }),
  );
  const create = await card.load();
  const build = async (changes: Readonly<Record<string, unknown>> = {}): Promise<[Model, CommonHyperparameters]> => {
    const overrides = { ...experiment.hyperparameters, ...changes };
    const { hyperparameters } = resolveHyperparameters(card, { preset: 'quick', input: normal.shape, overrides });
    const generator = createGenerator(seed, 'training');
    return [await create(hyperparameters!, { input: normal.shape, seed, generator }), hyperparameters!];
  };

  const [model, hyperparameters] = await build();
  const train = toReader(normal);
  const start = performance.now();
  await model.prepare?.(train);
  if (experiment.isTrained) trainOn(model, normal, hyperparameters, seed, card.dropLastBatch);
  await model.fit?.({ train, calibration: train, signal: new AbortController().signal });
  const trained = performance.now();

  const labels = tests.flatMap((set, i) => new Array<number>(set.count).fill(i === 0 ? 0 : 1));
  const scores = tests.map((set) => scoreAllOf(card, model, set));
  const image = Object.fromEntries(
    card.scores.map((name) => [
      name,
      auroc(
        scores.flatMap((each) => each[name]!),
        labels,
      ),
    ]),
  );
  const weights = await encodeWeights(model);
  const pixel: Record<string, number> = {};
  for (const [name, changes] of Object.entries(maps)) {
    const [drawer] = await build(changes);
    restoreWeights(weights, drawer);
    pixel[name] = pixelAuroc(drawer, tests);
    drawer.dispose();
  }
  model.dispose();
  const seconds = (from: number, to: number) => (to - from) / 1000;
  return {
    image,
    pixel,
    trainingSeconds: seconds(start, trained),
    scoringSeconds: seconds(trained, performance.now()),
  };
}

function trainOn(
  model: Model,
  images: ToyTextures,
  { batchSize, epochs }: CommonHyperparameters,
  seed: number,
  dropLastBatch: boolean,
): void {
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (const indices of planEpoch({ count: images.count, batchSize, seed, epoch, dropLastBatch })) {
      const batch = gatherImages(images, indices);
      readLosses(model.trainStep!(batch, { epoch, step: step++, positions: indices }));
      batch.dispose();
    }
  }
}

/** Every score of the card for every image. */
function scoreAllOf(card: MethodCard, model: Model, images: ToyTextures): Record<string, number[]> {
  const batch = gatherImages(images);
  const scores =
    model.scoreAll?.(batch) ?? Object.fromEntries(card.scores.map((name) => [name, model.score(batch, name)]));
  batch.dispose();
  return Object.fromEntries(Object.entries(scores).map(([name, values]) => [name, read(values)]));
}

function pixelAuroc(model: Model, sets: readonly ToyTextures[]): number {
  const scores = sets.flatMap((set) => {
    const batch = gatherImages(set);
    const map = read(model.anomalyMap!(batch) as Tensor3D);
    batch.dispose();
    return map;
  });
  return auroc(
    scores,
    sets.flatMap((set) => Array.from(set.masks)),
  );
}
