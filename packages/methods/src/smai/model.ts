import { AdctlError } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../kit/adam.js';
import { assertImageShape } from '../kit/images.js';
import { minimize } from '../kit/minimize.js';
import { mirrorHalf } from '../kit/mirror.js';
import { createNetwork } from '../kit/network.js';
import { scalar } from '../kit/scalars.js';
import { smoothMaps } from '../kit/smooth-maps.js';
import type { ModelContext, StepPosition, SteppingModel } from '../method.js';
import { hideSuperpixels } from './hiding.js';
import type { Hyperparameters } from './hyperparameters.js';
import { createInpaint } from './inpaint.js';
import { composite, dissimilarity, holeError, holeErrorPerImage } from './losses.js';
import { planNetworks } from './networks.js';
import { planGroupedPasses, planSinglePasses } from './passes.js';
import { type Restoration, restoreAll } from './restoration.js';
import { type ErrorKind, type Reduction, SCORE_NAMES, type ScoreName } from './score-names.js';
import { flattenSuperpixels, reduceErrors } from './scores.js';
import type { Superpixels } from './slic.js';
import { createSegmenter } from './superpixels.js';

/**
 * Superpixel masking and inpainting (Li et al., BMVC 2020, rebuilt from its abstract). Training step: hide random
 * superpixels and restore them. Scoring: hide and restore every superpixel in turn and compare.
 */
export function createSmai(h: Hyperparameters, context: ModelContext): SteppingModel {
  const { input, generator } = context;
  const { height, width, channels } = input;
  const inpainter = createNetwork(planNetworks(h, input)[0]!, context);
  const inpaint = createInpaint(inpainter, h.levels, h.partialConv);
  const optimizer = createAdam([inpainter], { learningRate: h.learningRate, beta1: 0.9, beta2: 0.999 });
  const segmenter = createSegmenter(h, input);
  const segment = (images: tf.Tensor4D) => segmenter.segment(images.dataSync<'float32'>());
  const ownScore: ScoreName = `${h.error}_${h.reduction}`;

  const lossTerms = (images: tf.Tensor4D, hidden: tf.Tensor4D) => {
    const restored = inpaint(images, hidden, 'train+update');
    const terms: Record<string, tf.Scalar> = {};
    const parts: tf.Scalar[] = [];
    if (h.l1Weight > 0) {
      terms.hole = holeError(images, restored, hidden);
      parts.push(tf.mul(terms.hole, scalar(h.l1Weight)));
    }
    if (h.ssimWeight > 0) {
      terms.dissimilarity = dissimilarity(images, composite(images, restored, hidden));
      parts.push(tf.mul(terms.dissimilarity, scalar(h.ssimWeight)));
    }
    return { ...terms, total: tf.addN(parts) as tf.Scalar } as Record<string, tf.Scalar> & { total: tf.Scalar };
  };

  const restore = <Wanted extends Restoration>(images: tf.Tensor4D, superpixels: Superpixels[], wanted: Wanted[]) => {
    const plans = superpixels.map((each) => (h.grouped ? planGroupedPasses(each, width) : planSinglePasses(each)));
    return restoreAll(inpaint, images, plans, wanted);
  };

  /** The error maps of each image as plain numbers, with its superpixels. */
  const errorMaps = <Kind extends ErrorKind>(images: tf.Tensor4D, kinds: Kind[]) => {
    const superpixels = segment(images);
    const size = height * width;
    const maps = tf.tidy(() => {
      const restored = restore(images, superpixels, kinds);
      return kinds.map((kind) => restored[kind].dataSync<'float32'>());
    });
    return superpixels.map((each, i): ImageErrors<Kind> => {
      const own = kinds.map((kind, k) => [kind, maps[k]!.subarray(i * size, (i + 1) * size)] as const);
      return { superpixels: each, maps: Object.fromEntries(own) as Record<Kind, Float32Array> };
    });
  };

  return {
    networks: { inpainter },
    optimizers: { inpainter: optimizer },

    trainStep(images, { epoch }: StepPosition) {
      assertImageShape(images, input);
      optimizer.learningRate = h.learningRate * learningRateFactor((epoch - 1) / h.epochs);
      return tf.tidy(() => {
        const pictures = h.flip ? mirrorHalf(images, generator) : images;
        const hidden = hideSuperpixels(segment(pictures), [height, width], h, generator);
        return minimize(optimizer, () => lossTerms(pictures, hidden));
      });
    },

    ownScore,
    score(images, name = ownScore) {
      assertImageShape(images, input);
      const { error, reduction } = parseScore(name);
      return reduce(errorMaps(images, [error]), error, reduction);
    },

    scoreAll(images) {
      assertImageShape(images, input);
      const errors = errorMaps(images, ['l2', 'ssim']);
      return Object.fromEntries(
        SCORE_NAMES.map((name) => {
          const { error, reduction } = parseScore(name);
          return [name, reduce(errors, error, reduction)];
        }),
      );
    },

    /** L1 error inside holes that are drawn anew for every position but the same at every call. */
    selectionLoss(images, offset) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const draws = createGenerator(context.seed, 'selection-holes', offset);
        const hidden = hideSuperpixels(segment(images), [height, width], h, draws);
        return holeErrorPerImage(images, inpaint(images, hidden, 'infer'), hidden);
      });
    },

    anomalyMap(images) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const drawn = errorMaps(images, [h.error]).map(({ maps, superpixels }) => {
          const map = maps[h.error];
          return tf.tensor2d(h.mapUnit === 'pixel' ? map : flattenSuperpixels(map, superpixels), [height, width]);
        });
        const stacked = tf.stack(drawn) as tf.Tensor3D;
        return h.mapBlur ? smoothMaps(stacked, h.superpixelSide / 4) : stacked;
      });
    },

    /** Every superpixel as the network restores it from the rest of the image. */
    reconstruct(images) {
      assertImageShape(images, input);
      return tf.tidy(() => {
        const { picture } = restore(images, segment(images), ['picture']);
        return tf.reshape(picture, [-1, height, width, channels]) as tf.Tensor4D;
      });
    },

    dispose() {
      optimizer.dispose();
      inpainter.dispose();
    },
  };
}

/** What the passes over one image say. */
interface ImageErrors<Kind extends ErrorKind> {
  readonly superpixels: Superpixels;
  /** `[height * width]` each. */
  readonly maps: Readonly<Record<Kind, Float32Array>>;
}

function reduce<Kind extends ErrorKind>(
  errors: readonly ImageErrors<Kind>[],
  error: Kind,
  reduction: Reduction,
): tf.Tensor1D {
  return tf.tensor1d(errors.map(({ maps, superpixels }) => reduceErrors(maps[error], superpixels, reduction)));
}

/** 1, then 1/2 after half of the training, 1/4 after three quarters. */
function learningRateFactor(done: number): number {
  if (done < 0.5) return 1;
  return done < 0.75 ? 0.5 : 0.25;
}

function parseScore(name: string): { error: ErrorKind; reduction: Reduction } {
  if (!(SCORE_NAMES as readonly string[]).includes(name)) {
    throw new AdctlError(`smai has no score '${name}'`, { code: 'unknown_score', kind: 'bug' });
  }
  const [error, reduction] = name.split('_') as [ErrorKind, Reduction];
  return { error, reduction };
}
