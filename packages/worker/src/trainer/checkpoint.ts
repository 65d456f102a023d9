import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeCheckpoint, restoreCheckpoint } from '@adctl/methods/kit';
import type { RandomGenerator } from '@adctl/random';
import type { WrittenCheckpoint } from '../trainer-messages.js';
import type { TrainableModel } from './train.js';
import { encodeProgress, parseProgress, type TrainingProgress } from './training-progress.js';

/** Weights, moving averages, optimizer state, generator state. */
const TRAINING_FILE = 'training.safetensors';
/** Weights of the epoch that the checkpoint rule keeps so far; absent before there is one. */
const KEPT_FILE = 'kept.safetensors';
/** `TrainingProgress`. */
const PROGRESS_FILE = 'progress.json';

/** What training needs to go on, apart from the trial's spec. */
export interface TrainingState {
  readonly model: TrainableModel;
  /** The one the model was created with. */
  readonly generator: RandomGenerator;
  readonly progress: TrainingProgress;
  /** Weights and moving averages of `progress.kept`, as a safetensors file; null while there are none. */
  keptWeights: Uint8Array | null;
}

/** Writes the checkpoints of one attempt. */
export interface CheckpointWriter {
  /** Writes everything needed to continue, unless the last checkpoint stands at the same step already. */
  write(state: TrainingState): Promise<void>;
}

export interface CheckpointWriterOptions {
  /** Each checkpoint becomes a folder in here. */
  readonly directory: string;
  /** TensorFlow threads of this process. */
  readonly threads: number;
  /** Step of the checkpoint that the attempt went on from. */
  readonly resumedStep: number | null;
  /** Hears of every checkpoint; from then on its folder belongs to the listener. */
  readonly written: (checkpoint: WrittenCheckpoint) => void;
}

export function createCheckpointWriter(options: CheckpointWriterOptions): CheckpointWriter {
  let lastStep = options.resumedStep;
  return {
    async write(state) {
      const { model, generator, progress, keptWeights } = state;
      if (progress.step === lastStep) return;
      lastStep = progress.step;
      const position = { epoch: progress.epoch - 1, step: progress.step, batch: progress.batch };
      const directory = join(options.directory, `checkpoint-${progress.step}`);
      const files: [string, Uint8Array | string][] = [
        [TRAINING_FILE, await encodeCheckpoint(model, generator, position)],
        [PROGRESS_FILE, encodeProgress(progress)],
        ...(keptWeights === null ? [] : [[KEPT_FILE, keptWeights] satisfies [string, Uint8Array]]),
      ];
      await mkdir(directory, { recursive: true });
      for (const [file, content] of files) await writeFile(join(directory, file), content);
      const { epoch, step } = position;
      options.written({ directory, files: files.map(([file]) => file), epoch, step, threads: options.threads });
    },
  };
}

/**
 * Puts a checkpoint into a model made from the same spec.
 *
 * @returns the state to continue from.
 * @throws AdctlError as `restoreCheckpoint`; ZodError or a file-system error when the folder is not one of ours.
 */
export async function readCheckpoint(
  directory: string,
  model: TrainableModel,
  generator: RandomGenerator,
): Promise<TrainingState> {
  const progress = parseProgress(await readFile(join(directory, PROGRESS_FILE), 'utf8'));
  restoreCheckpoint(await readFile(join(directory, TRAINING_FILE)), model, generator);
  const keptWeights = progress.kept.keptEpoch === null ? null : await readFile(join(directory, KEPT_FILE));
  return { model, generator, progress, keptWeights };
}
