import { createToyImages } from '@adctl/testkit';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BufferContent, ImageShape, MethodCard, Model } from '../method.js';
import { type ContractHost, contractHyperparameters, contractInputs, shapeText } from './settings.js';
import type { ToyTrial } from './trial.js';

/** Enough to fill two small batches. */
const IMAGE_COUNT = 12;
const BATCH_SIZE = 6;

/** Checks 3 to 8 on every image shape of the card. Tensors load in `beforeAll`, not when this file is imported. */
export function describeModel(card: MethodCard, host: ContractHost): void {
  describe.each(contractInputs(card).map((input) => [shapeText(input), input] as const))(
    `model ${card.name} on %s images`,
    (_text, input) => {
      const open: ToyTrial[] = [];
      const createTrial = async (seed: number, epochs?: number, modelSeed = seed): Promise<ToyTrial> => {
        const { createToyTrial } = await import('./trial.js');
        const base = contractHyperparameters(card, input);
        const hyperparameters = { ...base, batchSize: BATCH_SIZE, epochs: epochs ?? base.epochs };
        const trial = await createToyTrial({ card, hyperparameters, input, seed, modelSeed, imageCount: IMAGE_COUNT });
        open.push(trial);
        return trial;
      };
      const loadKit = () => import('../kit/index.js');
      const loadTools = () => import('./trial.js');

      beforeAll(host.useEngine, 60_000);
      afterEach(() => {
        for (const trial of open.splice(0)) trial.dispose();
      });

      test('the same seed gives the same losses and scores, another seed does not', async () => {
        const { scoreImages } = await loadTools();
        const [first, again, other] = [await createTrial(1), await createTrial(1), await createTrial(2)];
        const losses = first.train(0, 4);

        expect(again.train(0, 4)).toEqual(losses);
        const others = other.train(0, 4);
        if (losses.length > 0) expect(others).not.toEqual(losses);
        for (const trial of [first, again, other]) await trial.fit();
        await again.fit(); // a second fit learns nothing else
        const scores = scoreImages(first.model, first.images);
        expect(scoreImages(again.model, again.images)).toEqual(scores);
        expect(scoreImages(other.model, other.images)).not.toEqual(scores);
      });

      test('looking at a model between steps does not change its training', async () => {
        const { scoreImages } = await loadTools();
        const [plain, watched] = [await createTrial(1), await createTrial(1)];
        const losses = plain.train(0, 4);
        const seen = watched.train(0, 2);
        for (const name of epochScores(card, watched.model)) scoreImages(watched.model, watched.images, name);
        // A model without steps has nothing to look with before it was fitted.
        if (watched.model.trainStep !== undefined) await readSelectionLoss(watched);

        expect([...seen, ...watched.train(2, 4)]).toEqual(losses);
      });

      test('training moves every trainable weight of the optimizers, no frozen one, and losses stay finite', async () => {
        // As few epochs as possible, so that phases which begin later in training are reached.
        const trial = await createTrial(1, 2);
        const before = readWeights(trial.model);
        const losses = trial.train(0, 8);
        const after = readWeights(trial.model);
        const moved = [...before].filter(([name, values]) => values.some((v, i) => v !== after.get(name)![i]));
        const driven = Object.values(trial.model.optimizers).flatMap((o) => o.variables.map((v) => v.name));

        expect(moved.map(([name]) => name).sort()).toEqual([...driven].sort());
        for (const name of card.frozen) {
          expect(driven.filter((variable) => variable.startsWith(`${name}/`))).toEqual([]);
        }
        for (const step of losses) {
          expect(Object.keys(step).length).toBeGreaterThan(0);
          for (const [name, value] of Object.entries(step)) expect(value, name).toSatisfy(Number.isFinite);
        }
      });

      test('its networks are the ones its card plans', async () => {
        const { model, hyperparameters } = await createTrial(1);
        const plans = card.networks(hyperparameters, input);

        expect(Object.values(model.networks).map((network) => network.plan)).toEqual(plans);
      });

      test('steps and scores keep the tensor count, and disposing returns it to the start', async () => {
        const { countTensors, disposeScalars } = await loadKit();
        const { scoreImages } = await loadTools();
        disposeScalars();
        const start = countTensors();
        const trial = await createTrial(1);
        const exercise = async () => {
          trial.train(0, 2);
          await trial.fit();
          for (const name of card.scores) scoreImages(trial.model, trial.images, name);
          await readSelectionLoss(trial);
        };
        await exercise();
        const warm = countTensors();
        await exercise();
        await exercise();

        expect(countTensors()).toBe(warm);
        open.splice(0);
        trial.dispose();
        disposeScalars();
        expect(countTensors()).toBe(start);
      });

      test.each(card.scores)('score %s is finite and the same alone, in a batch and in any order', async (name) => {
        const { gatherImages } = await loadKit();
        const { read } = await loadTools();
        const trial = await createTrial(1);
        trial.train(0, 2);
        await trial.fit();
        const images = createToyImages({ shape: input, count: 5, seed: 8, kind: 'anomalous' });
        const scoreOf = (indices: number[]) => {
          const batch = gatherImages(images, indices);
          const result = trial.model.score(batch, name);
          expect(result.shape).toEqual([indices.length]);
          batch.dispose();
          return read(result);
        };
        const together = scoreOf([0, 1, 2, 3, 4]);
        const shuffled = scoreOf([3, 0, 4, 2, 1]);
        const scale = Math.max(...together.map(Math.abs));

        for (const value of together) expect(value).toSatisfy(Number.isFinite);
        for (const [i, value] of together.entries()) {
          expect(Math.abs(scoreOf([i])[0]! - value)).toBeLessThanOrEqual(1e-5 * scale);
          expect(Math.abs(shuffled[[3, 0, 4, 2, 1].indexOf(i)]! - value)).toBeLessThanOrEqual(1e-5 * scale);
        }
      });

      test('all scores at once equal the scores one by one', async () => {
        const { gatherImages } = await loadKit();
        const { read } = await loadTools();
        const trial = await createTrial(1);
        await trial.fit();
        const batch = gatherImages(trial.images, [0, 1, 2]);
        const all = trial.model.scoreAll?.(batch);
        if (all !== undefined) {
          expect(Object.keys(all)).toEqual(card.scores);
          for (const [name, scores] of Object.entries(all)) {
            expect(read(scores)).toEqual(read(trial.model.score(batch, name)));
          }
        }
        batch.dispose();
      });

      test('selection loss, anomaly map and reconstruction have their shapes and ranges', async () => {
        const { gatherImages } = await loadKit();
        const { read } = await loadTools();
        const trial = await createTrial(1);
        await trial.fit();
        const { model, images } = trial;
        const first = await readSelectionLoss({ model, images });

        expect(first).toHaveLength(IMAGE_COUNT);
        for (const value of first) expect(value).toSatisfy(Number.isFinite);
        expect(await readSelectionLoss({ model, images })).toEqual(first);
        const batch = gatherImages(images, [0, 1]);
        const map = model.anomalyMap?.(batch);
        const picture = model.reconstruct?.(batch);
        if (map !== undefined) expect(map.shape).toEqual([2, input.height, input.width]);
        if (picture !== undefined) {
          expect(picture.shape).toEqual([2, input.height, input.width, input.channels]);
          const values = read(picture);
          expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
          expect(Math.max(...values)).toBeLessThanOrEqual(1);
        }
        map?.dispose();
        batch.dispose();
      });

      test('weights restored into a fresh model give equal scores', async () => {
        const { encodeWeights, restoreWeights } = await loadKit();
        const { scoreImages } = await loadTools();
        const [trained, fresh] = [await createTrial(1), await createTrial(5)];
        trained.train(0, 3);
        await trained.fit();
        restoreWeights(await encodeWeights(trained.model), fresh.model);

        for (const name of card.scores) {
          expect(scoreImages(fresh.model, fresh.images, name)).toEqual(
            scoreImages(trained.model, trained.images, name),
          );
        }
      });

      test('training 2k steps equals k steps, a checkpoint, and k steps, bit for bit', async () => {
        const { encodeCheckpoint, restoreCheckpoint } = await loadKit();
        const [straight, resumed] = [await createTrial(1, 2), await createTrial(1, 2, 5)];
        const position = { epoch: 1, step: 3, batch: 1 };
        straight.train(0, 3);
        const file = await encodeCheckpoint(straight.model, straight.generator, position);

        expect(restoreCheckpoint(file, resumed.model, resumed.generator)).toEqual(position);
        expect(resumed.train(3, 6)).toEqual(straight.train(3, 6));
        expect(readWeights(resumed.model)).toEqual(readWeights(straight.model));
        expect(readBuffers(resumed.model)).toEqual(readBuffers(straight.model));
      });

      test.each(wrongShapes(input).map((shape) => [shape.join('x'), shape] as const))(
        'images of shape %s are a user error naming both shapes',
        async (_wrong, wrong) => {
          const tf = await import('@tensorflow/tfjs');
          const { model } = await createTrial(1);
          const images = tf.zeros<import('@tensorflow/tfjs').Rank.R4>(wrong);
          const expected = expect.objectContaining({
            code: 'wrong_image_shape',
            kind: 'user',
            message: expect.stringMatching(
              `\\[batch, ${input.height}, ${input.width}, ${input.channels}\\].*\\[${wrong.join(', ')}\\]`,
            ),
          });

          const { trainStep } = model;
          if (trainStep !== undefined) {
            const position = { epoch: 1, step: 0, positions: Int32Array.of(0, 1) };
            expect(() => trainStep.call(model, images, position)).toThrow(expected);
          }
          expect(() => model.score(images)).toThrow(expected);
          expect(() => model.selectionLoss(images, 0)).toThrow(expected);
          images.dispose();
        },
      );
    },
  );
}

async function readSelectionLoss({ model, images }: Pick<ToyTrial, 'model' | 'images'>): Promise<number[]> {
  const { gatherImages } = await import('../kit/batching.js');
  const { read } = await import('./trial.js');
  const batch = gatherImages(images);
  const loss = read(model.selectionLoss(batch, 0));
  batch.dispose();
  return loss;
}

/** The scores that a model can compute between steps. */
function epochScores({ scores, epochScore }: MethodCard, model: Model): readonly (string | undefined)[] {
  return model.fit === undefined ? scores : model.trainStep === undefined ? [] : [epochScore];
}

function readBuffers({ buffers = {} }: Model): Record<string, BufferContent> {
  return Object.fromEntries(Object.entries(buffers).map(([name, buffer]) => [name, buffer.read()]));
}

/** Trainable weights by name. */
function readWeights(model: Model): Map<string, number[]> {
  const trainable = Object.values(model.networks).flatMap((network) => network.trainable);
  return new Map(trainable.map(({ name, variable }) => [name, Array.from(variable.dataSync())]));
}

function wrongShapes({ height, width, channels }: ImageShape): [number, number, number, number][] {
  return [
    [2, height + 1, width, channels],
    [2, height, width, channels === 1 ? 3 : 1],
  ];
}
