import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { Backbone } from '../backbones/backbone.js';
import { toBackbonePixels } from '../backbones/backbone.js';
import type { ImageReader } from '../method.js';
import { type Crop, copyCrop, drawCrops } from './crops.js';
import { type DescribePatches, describeDensely } from './describe-patches.js';
import { type Hyperparameters, imagesAtOnce } from './hyperparameters.js';
import type { Points } from './pca.js';
import { countWindows, type WindowGrid } from './windows.js';

export interface FeatureSource {
  readonly hyperparameters: Hyperparameters;
  readonly seed: number;
  readonly grid: WindowGrid;
  readonly backbone: Backbone | null;
  readonly describe: DescribePatches;
}

/** Patches that a random backbone is calibrated on: two batches of the usual size. */
const CALIBRATION_PATCHES = 256;

/**
 * Feature vectors of random patches of the training images. Which patches is a function of the seed. A random backbone
 * is first calibrated on some of them, spread over all images.
 * @throws the signal's reason when aborted.
 */
export async function collectFeatures(
  source: FeatureSource,
  images: ImageReader,
  signal: AbortSignal,
): Promise<Points> {
  const { hyperparameters: h, backbone } = source;
  if (h.dense && backbone !== null) return await collectDensely(source, backbone, images, signal);
  const generator = createGenerator(source.seed, 'cnn-dictionary', 'crops');
  const { patchSize, trainingPatches, rotate, inputSize } = h;
  const crops = drawCrops({
    imageCount: images.count,
    shape: images.shape,
    patchSize,
    crops: trainingPatches,
    rotate,
    generator,
  });
  if (backbone !== null) {
    const sample = await readCrops(images, spread(crops, CALIBRATION_PATCHES), patchSize);
    tf.tidy(() => backbone.calibrate(toBackbonePixels(sample, inputSize, inputSize)));
    sample.dispose();
  }
  const collector = createCollector(crops.length);
  for (let from = 0; from < crops.length; from += h.batchSize) {
    signal.throwIfAborted();
    const patches = await readCrops(images, crops.slice(from, from + h.batchSize), patchSize);
    collector.add(tf.tidy(() => source.describe(patches)));
    patches.dispose();
  }
  return collector.points();
}

/** Vectors of random windows of the grid, read off whole images. */
async function collectDensely(
  { hyperparameters: h, seed, grid }: FeatureSource,
  backbone: Backbone,
  images: ImageReader,
  signal: AbortSignal,
): Promise<Points> {
  const generator = createGenerator(seed, 'cnn-dictionary', 'windows');
  const windows = countWindows(grid);
  const drawn = Array.from({ length: h.trainingPatches }, () => ({
    image: generator.integer(images.count),
    window: generator.integer(windows),
  })).sort((a, b) => a.image - b.image);
  const used = [...new Set(drawn.map(({ image }) => image))];
  const atOnce = imagesAtOnce(h, images.shape);
  const [height, width] = backbone.network.plan.input as [number, number];
  const sample = await images.read(Int32Array.from(spread(used, Math.min(atOnce, 2 * 64))));
  tf.tidy(() => backbone.calibrate(toBackbonePixels(sample, height, width)));
  sample.dispose();

  const collector = createCollector(drawn.length);
  for (let from = 0; from < used.length; from += atOnce) {
    signal.throwIfAborted();
    const positions = used.slice(from, from + atOnce);
    const batch = await images.read(Int32Array.from(positions));
    const place = new Map(positions.map((image, i) => [image, i * windows]));
    const rows = drawn.flatMap(({ image, window }) => {
      const first = place.get(image);
      return first === undefined ? [] : [first + window];
    });
    collector.add(tf.tidy(() => tf.gather(describeDensely(batch, grid, h, backbone), tf.tensor1d(rows, 'int32'))));
    batch.dispose();
  }
  return collector.points();
}

/** Puts feature tensors into one float64 matrix. */
function createCollector(count: number) {
  let values: Float64Array | null = null;
  let [filled, dimensions] = [0, 0];
  return {
    add(features: tf.Tensor2D) {
      dimensions = features.shape[1];
      values ??= new Float64Array(count * dimensions);
      values.set(features.dataSync(), filled * dimensions);
      filled += features.shape[0];
      features.dispose();
    },
    points: (): Points => ({ count, dimensions, values: values ?? new Float64Array(0) }),
  };
}

async function readCrops(images: ImageReader, crops: readonly Crop[], patchSize: number): Promise<tf.Tensor4D> {
  const { height, width, channels } = images.shape;
  const positions = [...new Set(crops.map(({ image }) => image))];
  const batch = await images.read(Int32Array.from(positions));
  const pixels = (await batch.data()) as Float32Array;
  batch.dispose();
  const size = height * width * channels;
  const length = patchSize * patchSize * channels;
  const target = new Float32Array(crops.length * length);
  const place = new Map(positions.map((image, i) => [image, i * size]));
  for (const [i, crop] of crops.entries()) {
    const first = place.get(crop.image)!;
    const image = pixels.subarray(first, first + size);
    copyCrop(image, images.shape, crop, patchSize, { target, offset: i * length });
  }
  return tf.tensor4d(target, [crops.length, patchSize, patchSize, channels]);
}

/** At most that many entries, evenly spread. */
function spread<T>(entries: readonly T[], most: number): T[] {
  const step = Math.max(1, entries.length / most);
  return Array.from({ length: Math.min(most, entries.length) }, (_, i) => entries[Math.floor(i * step)]!);
}
