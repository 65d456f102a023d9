import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import { BACKBONE_NAMES } from '../backbones/architecture.js';
import { WeightsChoice } from '../backbones/weights-choice.js';
import type { BackboneChoice, ImageShape, Preset } from '../method.js';

/** Depths at which source and cloner are compared: level i has a stride of 2^i. VGG16's are its pools. */
const levels = z.array(z.int().min(2).max(5)).min(1).max(4);

/** What is legal. Defaults are the authors' code for grey 28x28 images where not noted. */
export const Hyperparameters = z.strictObject({
  /** Adam. */
  learningRate: z.number().positive().default(1e-3),
  batchSize: z.int().min(2).max(4096).default(64),
  epochs: z.int().min(1).max(10_000).default(50),
  /** The source S; the paper's is VGG16. */
  teacher: z.enum(BACKBONE_NAMES).default('vgg16'),
  weights: WeightsChoice,
  /** Factor on the channels of a random teacher (ours). */
  teacherChannels: z.number().positive().max(1).default(1),
  /** Side of the square images that both networks see; a multiple of 32. */
  inputSize: z.int().min(32).max(512).multipleOf(32).default(32),
  /** Images are first resized to this side, then cut to `inputSize` in the middle (the code's CIFAR-10 runs); null not to cut. */
  cropFrom: z.int().min(32).max(1024).nullable().default(null),
  /** Pixels normalised as the teacher's weights expect; the code does so for CIFAR-10 only. */
  normalize: z.boolean().default(false),
  /** Weight of the value term. */
  lambda: z.number().nonnegative().default(0.01),
  /** `balance`: L_dir / L_val of the untrained cloner on the first batch, the paper's idea; `fixed` is the code's. */
  lambdaMode: z.enum(['fixed', 'balance']).default('fixed'),
  /** `small` is the paper's B, `equal` (A) has VGG16's own widths. */
  cloner: z.enum(['small', 'equal']).default('small'),
  /** Channels between the taps of the small cloner. */
  bottleneck: z.int().min(1).max(512).default(16),
  /** Biases in the cloner's convolutions; the paper argues against them. */
  useBias: z.boolean().default(false),
  /** Whether the cloner's batch normalisations learn a shift, as in the code. */
  bnBeta: z.boolean().default(true),
  trainLevels: levels.default([2, 3, 4, 5]),
  scoreLevels: levels.default([3, 4, 5]),
  /** How the input's saliency is computed; the code ships `gbp`, the paper reports `gradients`. */
  saliency: z.enum(['gradients', 'smoothgrad', 'gbp']).default('gradients'),
  /** Whether the derivative of the score flows through the source as well (the true derivative). */
  gradThroughSource: z.boolean().default(true),
  /** SmoothGrad: noisy copies, and their noise relative to the range of the image's values (ours; the code's is a bug). */
  smoothSamples: z.int().min(1).max(500).default(50),
  smoothNoise: z.number().positive().default(0.1),
  /** Blur of the map in pixels of the input; null for 4 at 128 pixels and in proportion otherwise. */
  blurSigma: z.number().positive().nullable().default(null),
  /** Memory for the source's features of training images, which never change; 0 computes them anew in every epoch. */
  cacheMiB: z.int().min(0).default(512),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** Standard deviation of the map's blur, in pixels of the input. */
export function blurSigmaOf({ blurSigma, inputSize }: Hyperparameters): number {
  return blurSigma ?? inputSize / 32;
}

/** Images scored at once: the source's first layers bound the memory. */
export function imagesAtOnce({ inputSize }: Hyperparameters): number {
  return Math.max(1, Math.min(256, Math.floor(2 ** 19 / inputSize ** 2)));
}

export function backboneChoice({ teacher, weights }: Hyperparameters): BackboneChoice {
  return { architecture: teacher, weights };
}

/** The smallest size both networks can see an image at, at most 128. */
function sizeFor({ height, width }: ImageShape): number {
  return Math.min(128, 32 * Math.ceil(Math.max(height, width) / 32));
}

/** One-class sets have small images and a small lambda, defect sets larger ones and a larger. */
function isSmall({ height, width }: ImageShape): boolean {
  return Math.max(height, width) <= 32;
}

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** The code's settings by kind of data set: MNIST and Fashion-MNIST; CIFAR-10; MVTec AD. */
  paper: (input) => {
    if (!isSmall(input)) return { inputSize: 128, lambda: 0.5, epochs: 601 };
    if (input.channels === 1) return { inputSize: 32, lambda: 0.01, epochs: 51 };
    return { cropFrom: 256, inputSize: 224, normalize: true, lambda: 0.01, epochs: 201 };
  },
  default: (input) =>
    isSmall(input)
      ? { inputSize: 32, lambda: 0.01, epochs: 50 }
      : { inputSize: sizeFor(input), lambda: 0.5, epochs: 200 },
  /** The sanity experiment's quarter-width random teacher; small batches where there are few images, for more updates. */
  quick: (input) => ({
    teacherChannels: 0.25,
    bottleneck: 4,
    inputSize: sizeFor(input),
    lambda: isSmall(input) ? 0.01 : 0.5,
    epochs: isSmall(input) ? 4 : 20,
    ...(isSmall(input) ? {} : { batchSize: 16 }),
  }),
};

/** The spec's small grid; the second factor changes only the score. */
export const searchSpace: SearchSpace = {
  lambda: { values: [0, 0.01, 0.5] },
  scoreLevels: {
    values: [
      [3, 4, 5],
      [2, 3, 4, 5],
    ],
  },
};

/** Combinations that have no meaning. */
export function refuse(h: Hyperparameters): string | null {
  if (h.weights !== 'random' && h.teacherChannels !== 1) {
    return `teacherChannels ${h.teacherChannels} is for random weights; published ones have all their channels`;
  }
  if (h.cropFrom !== null && h.cropFrom < h.inputSize) {
    return `cropFrom ${h.cropFrom} is smaller than the inputSize ${h.inputSize} that is cut out of it`;
  }
  if (h.cloner === 'equal' && !h.teacher.startsWith('vgg16')) {
    return `cloner: 'equal' has the widths of VGG16; for teacher ${h.teacher} use 'small'`;
  }
  const strange = h.scoreLevels.filter((level) => !h.trainLevels.includes(level));
  if (strange.length > 0) return `scoreLevels ${strange.join(', ')} are not trained; add them to trainLevels`;
  return null;
}

/** The weights of these were trained on normalised pixels, unlike what the code feeds VGG16. */
export function warn({ teacher, weights, normalize }: Hyperparameters): readonly string[] {
  if (weights === 'random' || normalize || teacher.startsWith('vgg16')) return [];
  return [`the weights of ${teacher} expect normalised pixels; set normalize: true`];
}
