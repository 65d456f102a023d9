import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auroc } from '@adctl/evaluation';
import { createGenerator } from '@adctl/random';
import { createToyTextures } from '@adctl/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { Hyperparameters as DictionaryHyperparameters } from '../cnn-dictionary/hyperparameters.js';
import { createCnnDictionary } from '../cnn-dictionary/model.js';
import { gatherImages, type ImageSet, planEpoch } from '../kit/batching.js';
import type { ImageReader, Model, ModelContext } from '../method.js';
import { Hyperparameters as MkdHyperparameters } from '../mkd/hyperparameters.js';
import { createMkd } from '../mkd/model.js';
import { useNativeEngine } from '../testing/engine.fixtures.js';
import { convertWeightFile } from './weight-file.js';

const FOLDER = process.env.ADCTL_LITE0_REFERENCE;
const INPUT = { height: 64, width: 64, channels: 1 };
const SEED = 1;
const TEXTURES = ['stripes', 'checks', 'blobs'] as const;

const set = (texture: (typeof TEXTURES)[number], count: number, seed: number, defect: 'none' | 'spot' | 'scratch') =>
  createToyTextures({ texture, count, seed, defect });
const reader = (images: ImageSet): ImageReader => ({
  count: images.count,
  shape: images.shape,
  read: async (positions) => gatherImages(images, positions),
});

describe('features of ImageNet on toy textures', () => {
  let context: Omit<ModelContext, 'generator'>;
  let weights: string;
  beforeAll(async () => {
    if (FOLDER === undefined)
      throw new Error('set ADCTL_LITE0_REFERENCE to the folder of scripts/weights/lite0-reference.py');
    await useNativeEngine();
    const { file, sha256 } = convertWeightFile(readFileSync(join(FOLDER, 'lite0.safetensors')), 'lite0.safetensors');
    weights = sha256;
    context = { input: INPUT, seed: SEED, readWeights: async () => file };
  }, 120_000);

  /** Test AUROC of 12 flawless images against 12 with a spot and 12 with a scratch. */
  function measure(model: Model, texture: (typeof TEXTURES)[number]): number {
    const sets = [set(texture, 12, 3, 'none'), set(texture, 12, 4, 'spot'), set(texture, 12, 5, 'scratch')];
    const scores = sets.flatMap((images) => Array.from(model.score(gatherImages(images)).dataSync()));
    model.dispose();
    return auroc(
      scores,
      scores.map((_, i) => (i < 12 ? 0 : 1)),
    );
  }

  async function dictionary(texture: (typeof TEXTURES)[number], source: string): Promise<number> {
    const h = DictionaryHyperparameters.parse({
      ...{ backbone: 'efficientnet-lite0', weights: source, feature: 'blocks.2', inputSize: 64 },
      ...{ patchSize: 16, stride: 8, trainingPatches: 500, dictionarySize: 50, restarts: 2 },
    });
    const model = await createCnnDictionary(h, { ...context, generator: createGenerator(SEED, 'training') });
    const { signal } = new AbortController();
    await model.fit!({
      train: reader(set(texture, 24, 1, 'none')),
      calibration: reader(set(texture, 6, 2, 'none')),
      signal,
    });
    return measure(model, texture);
  }

  async function distillation(texture: (typeof TEXTURES)[number], source: string): Promise<number> {
    const h = MkdHyperparameters.parse({
      ...{ teacher: 'efficientnet-lite0', weights: source, normalize: true, inputSize: 64, lambda: 0.01 },
      ...{ batchSize: 8, epochs: 30 },
    });
    const model = await createMkd(h, { ...context, generator: createGenerator(SEED, 'training') });
    const images = set(texture, 24, 1, 'none');
    await model.prepare!(reader(images));
    for (let epoch = 1; epoch <= h.epochs; epoch++) {
      for (const positions of planEpoch({ count: 24, batchSize: 8, seed: SEED, epoch, dropLastBatch: false })) {
        const batch = gatherImages(images, positions);
        const terms = model.trainStep(batch, { epoch, step: 0, positions });
        for (const term of [batch, ...Object.values(terms)]) term.dispose();
      }
    }
    return measure(model, texture);
  }

  test.each(TEXTURES)(
    'a dictionary of them finds every defect on %s, one of random features fewer',
    async (texture) => {
      const [random, pretrained] = [await dictionary(texture, 'random'), await dictionary(texture, weights)];

      expect(pretrained).toBeGreaterThan(0.95);
      expect(pretrained).toBeGreaterThan(random);
    },
  );

  test('a cloner of them tells defects that one of a random teacher hardly does', async () => {
    const [random, pretrained] = [await distillation('checks', 'random'), await distillation('checks', weights)];

    expect(pretrained).toBeGreaterThan(0.7);
    expect(pretrained).toBeGreaterThan(random);
  });
});
