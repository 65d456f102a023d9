import * as tf from '@tensorflow/tfjs';
import { createBackbone, normalizePixels, toBackbonePixels } from '../backbones/backbone.js';
import { createAdam } from '../kit/adam.js';
import { createBuffer, fittedContent } from '../kit/buffers.js';
import { assertImageShape, cropImages } from '../kit/images.js';
import { minimize } from '../kit/minimize.js';
import { createNetwork } from '../kit/network.js';
import type { ImageReader, ModelContext, SteppingModel } from '../method.js';
import { blurSigmaOf, type Hyperparameters } from './hyperparameters.js';
import { disagreement, weigh } from './losses.js';
import { CLONER, clonerTap, planNetworks, TEACHER, teacherOptions, teacherTap } from './networks.js';
import { localize, type SaliencyParts } from './saliency.js';
import { createTapCache } from './tap-cache.js';

/** Images that calibrate a random teacher: two batches of the usual size. */
const CALIBRATION_IMAGES = 128;
/** A gradient by the input holds every activation of both networks. */
const MAPS_AT_ONCE = 8;
const MIB = 2 ** 20;

/**
 * A small cloner learns to follow a frozen source on normal images, in direction and value at several depths. Training
 * step: one Adam update of the cloner on `sum_i dir_i + lambda sum_i val_i`. Score: the same, over the deeper taps.
 */
export async function createMkd(h: Hyperparameters, context: ModelContext): Promise<SteppingModel> {
  const { input } = context;
  const [, clonerPlan] = planNetworks(h);
  const teacher = await createBackbone(teacherOptions(h), context);
  const cloner = createNetwork(clonerPlan, context);
  // Without its shift a batch normalisation keeps the one it began with, zero.
  const moved = { trainable: cloner.trainable.filter((v) => h.bnBeta || v.parameter !== 'beta') };
  const optimizer = createAdam([moved], { learningRate: h.learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  const buffers = { lambda: createBuffer() };
  const lambda = () =>
    h.lambdaMode === 'fixed' ? h.lambda : fittedContent(buffers.lambda, 'the balance of mkd').data[0]!;

  const sourceNames = (levels: readonly number[]) => levels.map((level) => teacherTap(h.teacher, level));
  const cloneNames = (levels: readonly number[]) => levels.map(clonerTap);
  const sourceTaps = (x: tf.Tensor4D, levels: readonly number[]) =>
    teacher.features(x, sourceNames(levels), { isNormalized: true });
  const cloneTaps = (x: tf.Tensor4D, levels: readonly number[]) => cloner.taps(x, 'infer', cloneNames(levels));
  const shapes = h.trainLevels.map((level) => {
    const layer = teacher.architecture.taps[teacherTap(h.teacher, level)]!;
    return teacher.network.layer(layer).summary.outputShape;
  });
  const cache = createTapCache(shapes, h.cacheMiB * MIB);

  /** What both networks see: RGB of the planned size, normalised if asked. */
  const toInput = (images: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => {
      const side = h.cropFrom ?? h.inputSize;
      const pixels = cropImages(toBackbonePixels(images, side, side), h.inputSize, h.inputSize);
      return h.normalize ? normalizePixels(pixels, teacher.architecture.normalization) : pixels;
    });

  /** Taps of some images of a batch, always computed by as many at once, so that the batch leaves no trace in the bits. */
  const computeTaps = (x: tf.Tensor4D, places: Int32Array) =>
    tf.tidy(() => {
      const padded = Int32Array.from(
        { length: Math.max(h.batchSize, places.length) },
        (_, i) => places[i] ?? places[0]!,
      );
      const taps = sourceTaps(tf.gather(x, tf.tensor1d(padded, 'int32')), h.trainLevels);
      return taps.map((tap) => tf.slice(tap, 0, places.length));
    });

  const scoreOf = (sources: tf.Tensor[], clones: tf.Tensor[], name: string): tf.Tensor1D => {
    const terms = disagreement(sources, clones);
    if (name === 'direction') return terms.direction;
    return name === 'value' ? terms.value : weigh(terms, lambda());
  };
  const scoreImages = (images: tf.Tensor4D, levels: readonly number[], name: string): tf.Tensor1D => {
    assertImageShape(images, input);
    return tf.tidy(() => {
      const x = toInput(images);
      return scoreOf(sourceTaps(x, levels), cloneTaps(x, levels), name);
    });
  };
  const saliency: SaliencyParts = {
    hyperparameters: h,
    totalScore: (sources, clones) => tf.sum(scoreOf(sources, clones, 'total')),
    sourceTaps: (x) => sourceTaps(x, h.scoreLevels),
    cloner,
    clonerTaps: cloneNames(h.scoreLevels),
  };

  return {
    networks: { [TEACHER]: teacher.network, [CLONER]: cloner },
    optimizers: { [CLONER]: optimizer },
    buffers,

    async prepare(train: ImageReader) {
      const sample = await readSpread(train, CALIBRATION_IMAGES);
      tf.tidy(() => teacher.calibrate(toInput(sample), { isNormalized: true }));
      sample.dispose();
      if (h.lambdaMode === 'fixed') return;
      const first = await train.read(Int32Array.from({ length: Math.min(h.batchSize, train.count) }, (_, i) => i));
      const ratio = tf.tidy(() => {
        const x = toInput(first);
        const clones = cloner.taps(x, 'train', cloneNames(h.trainLevels));
        const { direction, value } = disagreement(sourceTaps(x, h.trainLevels), clones);
        return tf.div(tf.mean(direction), tf.mean(value)).dataSync()[0]!;
      });
      first.dispose();
      buffers.lambda.write({ shape: [1], data: Float32Array.of(ratio) });
    },

    trainStep(images, { positions }) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const x = toInput(images);
        const sources = cache.get(positions, (places) => computeTaps(x, places));
        const terms = (clones: tf.Tensor[]) => {
          const { direction, value } = disagreement(sources, clones);
          const means = { direction: tf.mean<tf.Scalar>(direction), value: tf.mean<tf.Scalar>(value) };
          return { ...means, total: tf.add<tf.Scalar>(means.direction, tf.mul(means.value, tf.scalar(lambda()))) };
        };
        // Batch statistics of a single image at 1x1 are its own values: nothing could be learned from them.
        if (images.shape[0] === 1) return keepAll(terms(cloneTaps(x, h.trainLevels)));
        return minimize(optimizer, () => terms(cloner.taps(x, 'train+update', cloneNames(h.trainLevels))));
      });
    },

    ownScore: 'total',
    score: (images, name = 'total') => scoreImages(images, h.scoreLevels, name),
    selectionLoss: (images) => scoreImages(images, h.trainLevels, 'total'),

    anomalyMap(images) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const maps: tf.Tensor3D[] = [];
        for (let from = 0; from < images.shape[0]; from += MAPS_AT_ONCE) {
          const count = Math.min(MAPS_AT_ONCE, images.shape[0] - from);
          const x = toInput(tf.slice4d(images, [from, 0, 0, 0], [count, -1, -1, -1]));
          maps.push(localize(saliency, x, blurSigmaOf(h)));
        }
        return toImageSize(tf.concat3d(maps, 0), h, input);
      });
    },

    dispose() {
      optimizer.dispose();
      cloner.dispose();
      teacher.dispose();
    },
  };
}

/** Keeps the terms of a step that moved nothing, as `minimize` keeps its own. */
function keepAll<T extends Readonly<Record<string, tf.Scalar>>>(terms: T): T {
  for (const term of Object.values(terms)) tf.keep(term);
  return terms;
}

/** Maps of the networks' input back at the size of the images; the border that a crop cut off is normal. */
function toImageSize(maps: tf.Tensor3D, h: Hyperparameters, input: ModelContext['input']): tf.Tensor3D {
  return tf.tidy(() => {
    const side = h.cropFrom ?? h.inputSize;
    const margin = Math.floor((side - h.inputSize) / 2);
    const framed = tf.pad3d(maps, [
      [0, 0],
      [margin, side - h.inputSize - margin],
      [margin, side - h.inputSize - margin],
    ]);
    const resized = tf.image.resizeBilinear(
      tf.expandDims(framed, 3) as tf.Tensor4D,
      [input.height, input.width],
      false,
      true,
    );
    return tf.squeeze(resized, [3]) as tf.Tensor3D;
  });
}

async function readSpread(train: ImageReader, most: number): Promise<tf.Tensor4D> {
  const count = Math.min(most, train.count);
  return await train.read(Int32Array.from({ length: count }, (_, i) => Math.floor((i * train.count) / count)));
}
