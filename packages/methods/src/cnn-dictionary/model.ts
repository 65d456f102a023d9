import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { createBackbone } from '../backbones/backbone.js';
import { createBuffer, fittedContent } from '../kit/buffers.js';
import { assertImageShape } from '../kit/images.js';
import { smoothMaps } from '../kit/smooth-maps.js';
import type { FittingImages, ImageReader, Model, ModelBuffer, ModelContext } from '../method.js';
import { createDescriptor, describeDensely } from './describe-patches.js';
import { nearestDistances } from './distances.js';
import { backboneChoice, blurSigma, type Hyperparameters, imagesAtOnce, strideOf } from './hyperparameters.js';
import { kMeans, medoids } from './k-means.js';
import { BACKBONE, backboneOptions } from './networks.js';
import { fitPca, project, whitened } from './pca.js';
import { areaThreshold, quantileThreshold, type ScoreMap, summarizeDistances, Z_THRESHOLD } from './thresholds.js';
import { collectFeatures } from './training-features.js';
import { averageOverWindows, countWindows, cutWindows, planWindows } from './windows.js';

/**
 * A dictionary of normal patches: features of random crops, PCA, k-means; a window is abnormal in proportion to its mean
 * distance from the nearest entries. `fit` makes it; there are no steps and no gradients.
 */
export async function createCnnDictionary(h: Hyperparameters, context: ModelContext): Promise<Model> {
  const { input, seed } = context;
  const backbone = backboneChoice(h) === null ? null : await createBackbone(backboneOptions(h, input), context);
  const grid = planWindows(input, h.patchSize, strideOf(h));
  const windows = countWindows(grid);
  const describe = createDescriptor(h, backbone);
  const buffers = {
    /** `[length]`: mean feature vector. */
    mean: createBuffer(),
    /** `[length, components]` */
    projection: createBuffer(),
    /** `[entries, components]` */
    dictionary: createBuffer(),
    /** Held-out window distances, ascending. */
    distances: createBuffer(),
    /** mu_d and sigma_d. */
    constants: createBuffer(),
    /** In normalised scores: z-rule, 95 % quantile and, where a smallest defect is given, the area rule. */
    thresholds: createBuffer(),
  } satisfies Record<string, ModelBuffer>;

  /** Distances of every window: `[batch, windows]`. */
  const windowDistances = (images: tf.Tensor4D): tf.Tensor2D =>
    tf.tidy(() => {
      const [mean, projection, dictionary] = [buffers.mean, buffers.projection, buffers.dictionary].map(toTensor) as [
        tf.Tensor1D,
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const distancesOf = (features: tf.Tensor2D) =>
        nearestDistances(tf.matMul(tf.sub(features, mean), projection) as tf.Tensor2D, dictionary, h.neighbours);
      const shape: [number, number] = [images.shape[0], windows];
      if (h.dense && backbone !== null)
        return tf.reshape(distancesOf(describeDensely(images, grid, h, backbone)), shape);
      const patches = cutWindows(images, grid);
      const parts: tf.Tensor1D[] = [];
      for (let from = 0; from < patches.shape[0]; from += h.batchSize) {
        const count = Math.min(h.batchSize, patches.shape[0] - from);
        parts.push(tf.tidy(() => distancesOf(describe(tf.slice4d(patches, [from, 0, 0, 0], [count, -1, -1, -1])))));
      }
      return tf.reshape(tf.concat1d(parts), shape);
    });

  /** A: mean over the windows that hold a pixel of `a = (d - mu_d) / sigma_d`. */
  const mapOf = (images: tf.Tensor4D): tf.Tensor3D =>
    tf.tidy(() => {
      const { data } = fittedContent(buffers.constants, 'a score of cnn-dictionary');
      const scores = tf.div(tf.sub(windowDistances(images), data[0]!), data[1]!) as tf.Tensor2D;
      return averageOverWindows(scores, grid);
    });

  const fit = async ({ train, calibration, signal }: FittingImages) => {
    const source = { hyperparameters: h, seed, grid, backbone, describe };
    const points = await collectFeatures(source, train, signal);
    const pca = fitPca(points, h.pcaVariance);
    const codes = project(points, pca, h.whiten);
    signal.throwIfAborted();
    const { centres } = kMeans(codes, {
      clusters: h.dictionarySize,
      restarts: h.restarts,
      generator: createGenerator(seed, 'cnn-dictionary', 'k-means'),
    });
    const entries = h.entry === 'medoid' ? medoids(codes, centres) : centres;
    const projection = h.whiten ? whitened(pca) : pca.components;
    write(buffers.mean, [points.dimensions], pca.mean);
    write(buffers.projection, [points.dimensions, pca.kept], projection);
    write(buffers.dictionary, [h.dictionarySize, pca.kept], entries);

    const heldOut = summarizeDistances(await readAll(calibration, windowDistances, h, signal));
    write(buffers.distances, [heldOut.sorted.length], heldOut.sorted);
    write(buffers.constants, [2], [heldOut.mean, heldOut.deviation]);
    const thresholds = [Z_THRESHOLD, (quantileThreshold(heldOut.sorted) - heldOut.mean) / heldOut.deviation];
    if (h.minimumDefectArea > 0) {
      thresholds.push(areaThreshold(await readMaps(calibration, mapOf, h, signal), h.minimumDefectArea));
    }
    write(buffers.thresholds, [thresholds.length], thresholds);
  };

  return {
    networks: backbone === null ? {} : { [BACKBONE]: backbone.network },
    optimizers: {},
    buffers,
    fit,

    ownScore: 'max',
    score(images, name = 'max') {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const pixels = tf.reshape(smoothMaps(mapOf(images), blurSigma(h)), [images.shape[0], -1]);
        if (name === 'max') return tf.max<tf.Tensor1D>(pixels, 1);
        const count = Math.max(1, Math.round(0.01 * pixels.shape[1]!));
        return tf.mean<tf.Tensor1D>(tf.topk(pixels, count).values, 1);
      });
    },

    selectionLoss(images) {
      assertImageShape(images, input);
      return tf.tidy(() => tf.mean<tf.Tensor1D>(windowDistances(images), 1));
    },

    anomalyMap(images) {
      assertImageShape(images, input);
      return mapOf(images);
    },

    dispose() {
      backbone?.dispose();
    },
  };
}

function toTensor(buffer: ModelBuffer): tf.Tensor {
  const { shape, data } = fittedContent(buffer, 'a distance of cnn-dictionary');
  return tf.tensor(data, shape.slice(), 'float32');
}

function write(buffer: ModelBuffer, shape: readonly number[], values: ArrayLike<number>): void {
  buffer.write({ shape, data: Float32Array.from(values) });
}

async function* chunksOf(reader: ImageReader, h: Hyperparameters, signal: AbortSignal) {
  const atOnce = imagesAtOnce(h, reader.shape);
  for (let from = 0; from < reader.count; from += atOnce) {
    signal.throwIfAborted();
    const count = Math.min(atOnce, reader.count - from);
    yield await reader.read(Int32Array.from({ length: count }, (_, i) => from + i));
  }
}

/** One function's values over all images of a reader. */
async function readAll(
  reader: ImageReader,
  compute: (images: tf.Tensor4D) => tf.Tensor,
  h: Hyperparameters,
  signal: AbortSignal,
): Promise<Float64Array> {
  const parts: Float32Array[] = [];
  for await (const images of chunksOf(reader, h, signal)) {
    const result = compute(images);
    parts.push(Float32Array.from(await result.data()));
    tf.dispose([result, images]);
  }
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  return all;
}

async function readMaps(
  reader: ImageReader,
  compute: (images: tf.Tensor4D) => tf.Tensor3D,
  h: Hyperparameters,
  signal: AbortSignal,
): Promise<ScoreMap[]> {
  const { height, width } = reader.shape;
  const values = Float32Array.from(await readAll(reader, compute, h, signal));
  const size = height * width;
  return Array.from({ length: reader.count }, (_, i) => ({
    values: values.subarray(i * size, (i + 1) * size),
    height,
    width,
  }));
}
