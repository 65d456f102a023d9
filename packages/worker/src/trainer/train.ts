import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CheckpointChooser, createCheckpointChooser } from '@adctl/evaluation';
import type { Model } from '@adctl/methods';
import { encodeWeights, planEpoch } from '@adctl/methods/kit';
import type { CheckpointRule, SelectionMetrics } from '@adctl/protocol';
import type { TrainerProgress } from '../trainer-messages.js';
import type { CheckpointWriter, TrainingState } from './checkpoint.js';
import { type ImageSource, readBatches } from './image-source.js';
import { createLossMeans, toMeans } from './loss-means.js';
import { measureSelection, type SelectionSet } from './selection.js';
import { addRow, selectionAt } from './training-progress.js';

/** What the loop needs of a model. */
export type TrainableModel = Pick<
  Model,
  'networks' | 'optimizers' | 'buffers' | 'trainStep' | 'score' | 'selectionLoss'
>;

export interface TrainOptions {
  readonly state: TrainingState;
  /** Normal images only. */
  readonly train: ImageSource;
  readonly selection: SelectionSet;
  /** The score measured after each epoch, by default the model's own. */
  readonly epochScore?: string | undefined;
  /** Images scored at once. */
  readonly scoringBatch: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly dropLastBatch: boolean;
  readonly checkpointRule: CheckpointRule;
  /** Seed of the trial. */
  readonly seed: number;
  readonly checkpoints: CheckpointWriter;
  readonly checkpointSeconds: number;
  /** Aborted with a `StopRequest` as its reason. */
  readonly stop: AbortSignal;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly report: TrainReport;
  /** Called before a checkpoint is written, to bring the seconds in the state up to date. */
  readonly beforeCheckpoint: () => void;
}

/** Why and how to stop; the abort reason of `TrainOptions.stop`. */
export interface StopRequest {
  /** Whether to write a checkpoint first. */
  readonly checkpoint: boolean;
}

/** Who hears of training; calls must return at once. */
export interface TrainReport {
  progress(progress: TrainerProgress): void;
  epoch(epoch: number, row: Readonly<Record<string, number>>): void;
}

export type TrainEnd =
  /** All epochs are done and the kept weights are in `state.keptWeights`. */
  | { readonly kind: 'trained' }
  | { readonly kind: 'stopped' }
  /** A loss was not finite. */
  | { readonly kind: 'diverged'; readonly epoch: number; readonly reason: string };

/** Losses are read, and progress told, at most this often: a read waits for the device. */
const PROGRESS_MS = 1000;

/**
 * Trains a model to its last epoch, from wherever its state stands. A model without steps is trained at once.
 *
 * 1. The order of an epoch is a function of seed and epoch; a resumed epoch skips the batches it has done.
 * 2. Each batch: stop if asked (checkpoint first, unless a loss is not finite), one `trainStep`, add the losses on the device.
 * 3. About once a second: read the loss means, end when one is not finite, tell progress.
 * 4. After each epoch: read the means, measure the selection split, add a row to the curves, keep the weights if the
 *    checkpoint rule says so, write a checkpoint if the last one is old enough.
 *
 * Nothing in here depends on time but when progress is told and when checkpoints are written, so a training that was
 * stopped or killed and resumed ends with the same bits as one that ran through (same thread count). Test images are out
 * of its reach: no type in here can hold them.
 */
export async function train(options: TrainOptions): Promise<TrainEnd> {
  const { state, epochs, stop, now, report } = options;
  const { model, progress } = state;
  const selection = { name: options.epochScore, batch: options.scoringBatch };
  const losses = createLossMeans(progress.losses);
  const chooser = createCheckpointChooser(options.checkpointRule, epochs);
  chooser.restore(progress.kept);
  const pace = createPace(options);
  let checkpointedAt = now();
  const checkpoint = async () => {
    progress.losses = await losses.sums();
    options.beforeCheckpoint();
    await options.checkpoints.write(state);
    checkpointedAt = now();
  };
  const stopped = async (): Promise<TrainEnd> => {
    if (!(stop.reason as StopRequest).checkpoint) return { kind: 'stopped' };
    // A checkpoint of losses that are not finite would resume as a failure of another kind.
    const broken = findNotFinite(toMeans(await losses.sums()));
    if (broken !== null) return diverged(progress.epoch, broken);
    await checkpoint();
    return { kind: 'stopped' };
  };

  try {
    while (model.trainStep !== undefined && progress.epoch <= epochs) {
      const batches = planEpoch({
        count: options.train.count,
        batchSize: options.batchSize,
        seed: options.seed,
        epoch: progress.epoch,
        dropLastBatch: options.dropLastBatch,
      });
      for await (const { images, positions } of readBatches(options.train, batches, progress.batch)) {
        if (stop.aborted) {
          images.dispose();
          return await stopped();
        }
        const startedAt = now();
        losses.add(model.trainStep(images, { epoch: progress.epoch, step: progress.step, positions }));
        images.dispose();
        progress.batch += 1;
        progress.step += 1;
        if (pace.isDue()) {
          const means = toMeans(await losses.sums());
          const broken = findNotFinite(means);
          if (broken !== null) return diverged(progress.epoch, broken);
          pace.tell(means);
        }
        progress.seconds.train += (now() - startedAt) / 1000;
        await nextTurn(); // lets a stop message in
      }

      const means = toMeans(await losses.sums());
      const broken = findNotFinite(means);
      if (broken !== null) return diverged(progress.epoch, broken);
      const measured = await measureSelection(model, options.selection, selection);
      if (measured === null) return diverged(progress.epoch, 'scores of the selection split');
      await finishEpoch(state, chooser, means, measured, report);
      losses.reset();
      if (now() - checkpointedAt >= options.checkpointSeconds * 1000) await checkpoint();
    }
    return stop.aborted ? await stopped() : { kind: 'trained' };
  } finally {
    losses.dispose();
  }
}

/** Writes an epoch into the curves, keeps its weights if the rule says so, and moves to the next. */
async function finishEpoch(
  state: TrainingState,
  chooser: CheckpointChooser,
  means: Readonly<Record<string, number>>,
  selection: SelectionMetrics,
  report: TrainReport,
): Promise<void> {
  const { model, progress } = state;
  const row = { ...means, 'selection.loss': selection.loss, 'selection.auroc': selection.auroc };
  addRow(progress.curves, progress.epoch, row);
  if (chooser.report(progress.epoch, selection)) {
    progress.kept = chooser.state();
    state.keptWeights = await encodeWeights(model);
  }
  report.epoch(progress.epoch, row);
  progress.epoch += 1;
  progress.batch = 0;
  progress.losses = {};
}

function findNotFinite(means: Readonly<Record<string, number>>): string | null {
  const found = Object.entries(means).find(([, value]) => !Number.isFinite(value));
  return found === undefined ? null : `loss '${found[0]}'`;
}

function diverged(epoch: number, what: string): TrainEnd {
  return { kind: 'diverged', epoch, reason: `${what} is not finite in epoch ${epoch}` };
}

/** When to tell progress, and how fast training is; speeds count from the start of this process's part. */
function createPace({ state: { progress }, train, epochs, batchSize, dropLastBatch, now, report }: TrainOptions) {
  const whole = Math.floor(train.count / batchSize);
  const stepsPerEpoch = dropLastBatch ? Math.max(1, whole) : Math.ceil(train.count / batchSize);
  const steps = stepsPerEpoch * epochs;
  const start = { at: now(), step: progress.step };
  let toldAt = start.at - PROGRESS_MS; // the first step is told: it shows that training has begun
  return {
    isDue: () => now() - toldAt >= PROGRESS_MS,
    tell(losses: Readonly<Record<string, number>>) {
      toldAt = now();
      const stepsPerSecond = ((progress.step - start.step) * 1000) / Math.max(1, toldAt - start.at);
      const selection = selectionAt(progress.curves, progress.epoch - 1);
      report.progress({
        stage: 'training',
        epoch: progress.epoch,
        epochs,
        step: progress.step,
        steps,
        imagesPerSecond: stepsPerSecond * Math.min(batchSize, train.count),
        etaSeconds: (steps - progress.step) / stepsPerSecond,
        losses: { ...losses },
        ...(selection === undefined
          ? {}
          : { selection: { 'selection.loss': selection.loss, 'selection.auroc': selection.auroc } }),
      });
    },
  };
}
