import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';
import { sideOf } from './geometry.js';
import { countTransformations, TRANSFORMATION_SETS, type TransformationSet } from './transformations.js';

/** Passes over the images that make the paper's epochs: one epoch shows every image under every transformation once. */
const passes = (epochs: number, set: TransformationSet) => epochs * countTransformations(set);

/** What is legal. Defaults are the authors' code for 32x32 images where not noted. */
export const Hyperparameters = z.strictObject({
  /** Adam step size. */
  learningRate: z.number().positive().default(1e-3),
  /** Transformed images of one update. */
  batchSize: z.int().min(1).max(4096).default(128),
  /** Passes over the training images, each image under one transformation; 72 (or 8) passes are one epoch of the paper. */
  epochs: z.int().min(1).max(100_000).default(passes(3, 'full72')),
  /** The 72 compositions of flip, translations and quarter turns, or the eight without translations. */
  transforms: z.enum(TRANSFORMATION_SETS).default('full72'),
  /** Translation as a part of the side. */
  shiftFraction: z.number().gt(0).lt(0.5).default(0.25),
  /** Depth of the wide residual network, 6 n + 4. */
  depth: z.literal([10, 16, 22, 28]).default(10),
  /** Widen factor of the wide residual network. */
  widenFactor: z.int().min(1).max(16).default(4),
  /** Weight of the sum of squares of every trainable parameter, biases and batch-norm scales included; not halved. */
  weightDecay: z.number().nonnegative().default(2.5e-4),
  /** The score that judges an image: Dirichlet normality, or the mean probability of the right transformation. */
  score: z.enum(['dirichlet', 'simple']).default('dirichlet'),
  /** Images the Dirichlet parameters are fitted on: the training images (authors), or held-out normal ones. */
  dirichletFit: z.enum(['train', 'heldout']).default('train'),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** WRN-10-4 for small images, WRN-16-8 for those of 64x64 and above (authors' code). */
const networkFor = (input: ImageShape): Partial<Hyperparameters> =>
  sideOf(input) > 32 ? { depth: 16, widenFactor: 8 } : { depth: 10, widenFactor: 4 };

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** ceil(200 / 72) = 3 epochs over all pairs. */
  paper: networkFor,
  default: networkFor,
  /** One epoch over the pairs of the eight flips and turns, on the narrowest network: for a CPU core. */
  quick: () => ({ transforms: 'dihedral8', epochs: passes(1, 'dihedral8'), depth: 10, widenFactor: 1 }),
};

/** Four configurations; both scores are reported for each at no cost. */
export const searchSpace: SearchSpace = {
  widenFactor: { values: [2, 4] },
  learningRate: { values: [3e-4, 1e-3] },
};

/** Pixels of a translation. */
export function shiftOf(h: Pick<Hyperparameters, 'shiftFraction'>, side: number): number {
  return Math.round(h.shiftFraction * side);
}

export function warn(_h: Hyperparameters, input: ImageShape): readonly string[] {
  const side = sideOf(input);
  if (side <= 64) return [];
  return [`the authors go up to 64x64 pixels; ${side}x${side} takes many gigabytes, choose a smaller dataset.image`];
}
