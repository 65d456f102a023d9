import type { CheckpointChooserState } from '@adctl/evaluation';
import type { SelectionMetrics } from '@adctl/protocol';
import { z } from 'zod';
import type { LossSum } from './loss-means.js';

/** Learning curves: one value per finished epoch in every column. No times, so that equal trials have equal curves. */
export interface Curves {
  /** Finished epochs, from 1. */
  readonly epochs: number[];
  /** Means of the loss terms over the epoch, `selection.loss`, `selection.auroc`. */
  readonly columns: Record<string, number[]>;
}

/**
 * Where training stands: all that a checkpoint needs beside tensors and the generator's state. Changed in place by the training loop; JSON-safe
 * between steps. Numbers survive JSON exactly.
 */
export interface TrainingProgress {
  /** Epoch in progress, from 1; one more than the last when training is done. */
  epoch: number;
  /** Batches done in that epoch. */
  batch: number;
  /** Update cycles done over the whole training. */
  step: number;
  /** Loss sums of the epoch in progress. */
  losses: Record<string, LossSum>;
  curves: Curves;
  /** Which epoch's weights are kept so far. */
  kept: CheckpointChooserState;
  /** Test AUROC of the model before its first step; null when it was not asked for. */
  untrainedAuroc: number | null;
  /** Seconds spent in training steps and altogether, over all attempts behind this state. */
  seconds: { train: number; total: number };
  /** TensorFlow threads of every process that trained, in order, each change once. */
  threads: number[];
}

const Numbers = z.array(z.number());
const StoredProgress = z.object({
  version: z.literal(1),
  epoch: z.int().min(1),
  batch: z.int().min(0),
  step: z.int().min(0),
  losses: z.record(z.string(), z.object({ sum: z.number(), count: z.int().min(1) })),
  curves: z.object({ epochs: Numbers, columns: z.record(z.string(), Numbers) }),
  kept: z.object({ keptEpoch: z.int().min(1).nullable(), keptValue: z.number().nullable() }),
  untrainedAuroc: z.number().nullable(),
  seconds: z.object({ train: z.number(), total: z.number() }),
  threads: z.array(z.int().min(1)).min(1),
});

/** The state before the first step. */
export function startProgress(threads: number): TrainingProgress {
  return {
    epoch: 1,
    batch: 0,
    step: 0,
    losses: {},
    curves: { epochs: [], columns: {} },
    kept: { keptEpoch: null, keptValue: null },
    untrainedAuroc: null,
    seconds: { train: 0, total: 0 },
    threads: [threads],
  };
}

/** The text of `progress.json`. */
export function encodeProgress(progress: TrainingProgress): string {
  return JSON.stringify({ version: 1, ...progress });
}

/** @throws ZodError when the text is not a progress file of a version we know. */
export function parseProgress(text: string): TrainingProgress {
  const { version: _, ...progress } = StoredProgress.parse(JSON.parse(text));
  return progress;
}

/** Appends one epoch's row; every epoch must name the same columns. */
export function addRow(curves: Curves, epoch: number, row: Readonly<Record<string, number>>): void {
  curves.epochs.push(epoch);
  for (const [name, value] of Object.entries(row)) {
    curves.columns[name] ??= [];
    curves.columns[name].push(value);
  }
}

/** What the selection split said after an epoch, or undefined when the curves do not have it. */
export function selectionAt(curves: Curves, epoch: number): SelectionMetrics | undefined {
  const row = curves.epochs.indexOf(epoch);
  const [auroc, loss] = [curves.columns['selection.auroc']?.[row], curves.columns['selection.loss']?.[row]];
  return auroc === undefined || loss === undefined ? undefined : { auroc, loss };
}
