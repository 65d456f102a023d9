import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepPosition } from '@adctl/methods';
import type { CheckpointRule } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WrittenCheckpoint } from '../trainer-messages.js';
import { createCheckpointWriter, readCheckpoint, type TrainingState } from './checkpoint.js';
import { fromPixels } from './image-source.js';
import { type StopRequest, type TrainableModel, type TrainEnd, train } from './train.js';
import { startProgress, type TrainingProgress } from './training-progress.js';

const SHAPE = { height: 1, width: 1, channels: 1 };
const IMAGES = fromPixels(
  Uint8Array.from({ length: 10 }, (_, i) => 20 * i),
  SHAPE,
);
const SELECTION = {
  normal: fromPixels(Uint8Array.of(10, 20), SHAPE),
  synthetic: fromPixels(Uint8Array.of(30, 15), SHAPE),
};

let directory: string;
beforeEach(async () => {
  await tf.setBackend('cpu');
  directory = mkdtempSync(join(tmpdir(), 'adctl-train-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A model without weights whose losses depend on the images, the step and its own stream of chance. */
function createToyModel(generator: ReturnType<typeof createGenerator>, lossAt?: (step: number) => number) {
  const steps: number[] = [];
  const model = {
    networks: {},
    optimizers: {},
    trainStep(images: tf.Tensor4D, { step }: StepPosition) {
      steps.push(step);
      const loss = lossAt?.(step) ?? generator.uniform();
      return { toy: tf.tidy(() => tf.add(tf.mean(images), loss) as tf.Scalar) };
    },
    score: (images: tf.Tensor4D) => tf.tidy(() => tf.mean(images, [1, 2, 3]) as tf.Tensor1D),
    selectionLoss: (images: tf.Tensor4D) => tf.tidy(() => tf.sum(images, [1, 2, 3]) as tf.Tensor1D),
  } satisfies TrainableModel;
  return { model, steps };
}

interface Outcome {
  readonly end: TrainEnd;
  readonly progress: TrainingProgress;
  readonly checkpoints: WrittenCheckpoint[];
  readonly told: number[];
  readonly steps: number[];
}

interface Options {
  readonly stopAfterStep?: number;
  readonly from?: WrittenCheckpoint;
  readonly rule?: CheckpointRule;
  readonly checkpointSeconds?: number;
  /** Milliseconds a step takes. */
  readonly stepMs?: number;
  readonly lossAt?: (step: number) => number;
}

/** Trains 3 epochs of 4 batches (3, 3, 3 and 1 images), on a clock that moves by steps. */
async function run(options: Options = {}): Promise<Outcome> {
  const { stopAfterStep, from, rule = { rule: 'last' }, checkpointSeconds = 3600, stepMs = 100 } = options;
  const generator = createGenerator(1, 'training');
  const { model, steps } = createToyModel(generator, options.lossAt);
  const fresh: TrainingState = { model, generator, progress: startProgress(1), keptWeights: null };
  const state = from === undefined ? fresh : await readCheckpoint(from.directory, model, generator);
  const stop = new AbortController();
  const [checkpoints, told]: [WrittenCheckpoint[], number[]] = [[], []];
  const counted: TrainableModel = {
    ...model,
    trainStep(images: tf.Tensor4D, position: StepPosition) {
      const losses = model.trainStep(images, position);
      if (position.step + 1 === stopAfterStep) stop.abort({ checkpoint: true } satisfies StopRequest);
      return losses;
    },
  };
  const end = await train({
    state: { ...state, model: counted },
    train: IMAGES,
    selection: SELECTION,
    scoringBatch: 256,
    epochs: 3,
    batchSize: 3,
    dropLastBatch: false,
    checkpointRule: rule,
    seed: 4,
    checkpoints: createCheckpointWriter({
      directory: mkdtempSync(join(directory, 'attempt-')),
      threads: 1,
      resumedStep: from?.step ?? null,
      written: (checkpoint) => checkpoints.push(checkpoint),
    }),
    checkpointSeconds,
    stop: stop.signal,
    now: () => steps.length * stepMs,
    report: { progress: ({ step }) => told.push(step), epoch: () => undefined },
    beforeCheckpoint: () => undefined,
  });
  return { end, progress: state.progress, checkpoints, told, steps };
}

/** Everything but times. */
const factsOf = ({ progress: { seconds: _, ...facts } }: Outcome) => facts;

describe('train', () => {
  test('runs every batch of every epoch once and leaves no tensor', async () => {
    const before = tf.memory().numTensors;

    const { end, progress, steps } = await run();

    expect(end).toEqual({ kind: 'trained' });
    expect(steps).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(progress.curves.epochs).toEqual([1, 2, 3]);
    expect(Object.keys(progress.curves.columns)).toEqual(['toy', 'selection.loss', 'selection.auroc']);
    expect(progress.curves.columns['selection.auroc']).toEqual([0.75, 0.75, 0.75]); // 30 > both, 15 > one of two
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1); // the cached scalar of the loss sums
  });

  test.each([1, 3, 4, 6, 8, 11])(
    'stopped after step %i and resumed, ends with the same curves',
    async (stopAfterStep) => {
      const undisturbed = await run();
      const stopped = await run({ stopAfterStep });
      const [checkpoint] = stopped.checkpoints;
      const resumed = await run({ from: checkpoint! });

      expect(stopped.end.kind).toBe('stopped');
      expect(checkpoint).toMatchObject({ step: stopAfterStep, epoch: Math.floor(stopAfterStep / 4) });
      expect(resumed.steps[0]).toBe(stopAfterStep);
      expect(factsOf(resumed)).toEqual(factsOf(undisturbed));
    },
  );

  test('writes a checkpoint at the end of an epoch when the last one is old enough', async () => {
    const { checkpoints } = await run({ stepMs: 1000, checkpointSeconds: 5 });

    expect(checkpoints.map(({ step }) => step)).toEqual([8]);
  });

  test('stopped after a loss that is not finite has diverged, and leaves no checkpoint that nobody could read', async () => {
    const { end, checkpoints } = await run({
      stopAfterStep: 2,
      stepMs: 0,
      lossAt: (step) => (step === 1 ? Number.NaN : 0),
    });

    expect(end).toEqual({ kind: 'diverged', epoch: 1, reason: "loss 'toy' is not finite in epoch 1" });
    expect(checkpoints).toEqual([]);
  });

  test('tells progress once a second at most, and when training begins', async () => {
    const { told } = await run({ stepMs: 400 });

    expect(told).toEqual([1, 4, 7, 10]);
  });

  test('ends as diverged in the epoch whose loss is not finite, whenever it is noticed', async () => {
    const lossAt = (step: number) => (step === 5 ? Number.NaN : 0);
    const expected = { kind: 'diverged', epoch: 2, reason: "loss 'toy' is not finite in epoch 2" };

    expect((await run({ lossAt, stepMs: 1000 })).end).toEqual(expected); // in the middle of it
    expect((await run({ lossAt, stepMs: 0 })).end).toEqual(expected); // at its end
  });

  test.each([
    [{ rule: 'last' }, 3],
    [{ rule: 'epoch', epoch: 2 }, 2],
    [{ rule: 'best', metric: 'selection.loss', burnIn: 0 }, 1], // equal in all epochs: the earliest stays
    [{ rule: 'best', metric: 'selection.auroc', burnIn: 0.5 }, 2],
  ] as const)('keeps the epoch that %j names', async (rule, epoch) => {
    expect((await run({ rule })).progress.kept.keptEpoch).toBe(epoch);
  });
});
