import { makeSyntheticAnomalies } from '@adctl/datasets';
import { auroc } from '@adctl/evaluation';
import type { Model } from '@adctl/methods';
import type { SelectionMetrics } from '@adctl/protocol';
import { fromPixels, type ImageSource } from './image-source.js';
import { type Measuring, measureImages, scoreImages } from './scoring.js';

/** Held-out normal images and synthetic anomalies made from them: all that stopping and ranking may see. */
export interface SelectionSet {
  readonly normal: ImageSource;
  readonly synthetic: ImageSource;
}

/** The selection set is held in memory; of very large images no more are used than fit in here. */
const MOST_BYTES = 128 * 2 ** 20;

/**
 * Makes the selection set: one synthetic anomaly from every held-out normal image, of images so large that they would not fit in
 * 128 MiB from the first ones.
 *
 * @param seed the split's seed, not the trial's, so that all trials of a sweep are judged on the same anomalies.
 */
export async function createSelectionSet(normal: ImageSource, seed: number): Promise<SelectionSet> {
  const { shape } = normal;
  const most = Math.max(1, Math.floor(MOST_BYTES / (shape.height * shape.width * shape.channels)));
  const count = Math.min(normal.count, most);
  const pixels = await normal.read(Int32Array.from({ length: count }, (_, i) => i));
  const synthetic = makeSyntheticAnomalies(pixels, { shape, count, seed });
  return { normal: fromPixels(pixels, shape), synthetic: fromPixels(synthetic.images, shape) };
}

/**
 * Measures a model on the selection set.
 *
 * @param measuring with the score to judge, by default the model's own.
 * @returns null when a score or loss is not finite: the training has diverged.
 */
export async function measureSelection(
  model: Pick<Model, 'score' | 'selectionLoss'>,
  set: SelectionSet,
  measuring: Pick<Measuring, 'batch'> & { readonly name?: string | undefined },
): Promise<SelectionMetrics | null> {
  const losses = await measureImages(set.normal, (batch, offset) => model.selectionLoss(batch, offset), measuring);
  const normal = await scoreImages(model, set.normal, measuring);
  const synthetic = await scoreImages(model, set.synthetic, measuring);
  if (losses === null || normal === null || synthetic === null) return null;
  const all = [losses, normal, synthetic];
  if (!all.every((values) => values.every(Number.isFinite))) return null;
  const scores = Float32Array.of(...normal, ...synthetic);
  const labels = Uint8Array.from({ length: scores.length }, (_, i) => (i < normal.length ? 0 : 1));
  return { auroc: auroc(scores, labels), loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length };
}
