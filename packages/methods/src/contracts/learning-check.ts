import { auroc } from '@adctl/evaluation';
import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ImageShape, MethodCard } from '../method.js';
import { type ContractHost, learningSettings } from './settings.js';

const TRAINING_IMAGES = 256;
const TEST_IMAGES = 80;
const UNTRAINED_SEEDS = [1, 2, 3] as const;

/**
 * Check 9: trained on toy normals, the judged score separates toy anomalies above the floor that untrained models
 * miss. It judges the last epoch, never the best one, and never a flipped sign.
 */
export function describeLearning(cards: readonly MethodCard[], host: ContractHost): void {
  describe.each(cards.map((card) => [card.name, card] as const))('method %s learns', (_name, card) => {
    beforeAll(host.useEngine, 60_000);

    test('to tell toy anomalies from toy normals', { timeout: 600_000 }, async () => {
      const { input, hyperparameters, aurocFloor } = learningSettings(card);
      const { createToyTrial, scoreImages } = await import('./trial.js');
      const sets = (['normal', 'anomalous'] as const).map((kind) =>
        createToyImages({ shape: input, count: TEST_IMAGES, seed: 78, kind }),
      );
      const labels = sets.flatMap((set, label) => new Array<number>(set.count).fill(label));
      const { batchSize, epochs } = hyperparameters;
      const measure = async (seed: number, isTrained: boolean) => {
        // Without steps, fitting is all the training there is: then the untrained model is one that was fitted to noise.
        const images = epochs === 0 && !isTrained ? noise(input, seed) : undefined;
        const options = { card, hyperparameters, input, seed, imageCount: TRAINING_IMAGES };
        const trial = await createToyTrial(images === undefined ? options : { ...options, images });
        const perEpoch = card.dropLastBatch
          ? Math.max(1, Math.floor(TRAINING_IMAGES / batchSize))
          : Math.ceil(TRAINING_IMAGES / batchSize);
        if (isTrained) trial.train(0, epochs * perEpoch);
        await trial.fit();
        const scores = sets.flatMap((set) => scoreImages(trial.model, set, card.judgedScore));
        trial.dispose();
        return auroc(scores, labels);
      };
      const untrained: number[] = [];
      for (const seed of UNTRAINED_SEEDS) untrained.push(await measure(seed, false));
      const trained = await measure(1, true);

      for (const value of untrained) expect(value).toBeLessThan(aurocFloor);
      expect(trained).toBeGreaterThanOrEqual(aurocFloor);
    });
  });
}

/** As many images of uniform noise as there are training images. */
function noise(shape: ImageShape, seed: number) {
  const generator = createGenerator(seed, 'noise');
  const length = TRAINING_IMAGES * shape.height * shape.width * shape.channels;
  return { count: TRAINING_IMAGES, shape, pixels: Uint8Array.from({ length }, () => generator.integer(256)) };
}
