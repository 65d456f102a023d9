import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';
import { SCORE_NAMES } from './score-names.js';

/** What is legal. Defaults are the `default` preset for grey 28x28 images: the authors' settings on smaller networks (ours). */
export const Hyperparameters = z.strictObject({
  /** Adam step size of the generator; 1e-4 in the authors' code, 1e-3 for short small runs. */
  learningRate: z.number().positive().default(1e-3),
  /** The discriminator's step size is this much of the generator's (authors' code). */
  discriminatorRatio: z.number().positive().default(0.1),
  batchSize: z.int().min(1).max(4096).default(16),
  epochs: z.int().min(1).max(10_000).default(20),
  /** Width of the first layer of generator and discriminator. */
  baseChannels: z.int().min(1).max(512).default(16),
  /** Dilated residual blocks between encoder and decoder. */
  residualBlocks: z.int().min(0).max(64).default(4),
  /** Scales: the side divided by each gives a width of the stripes. */
  stripes: z.array(z.int().min(2).max(256)).min(1).max(8).default([4, 8, 16]),
  /** Weight of the adversarial term; 0 trains without a discriminator. */
  adversarialWeight: z.number().nonnegative().default(0.001),
  /** Weight of the squared error on hidden pixels beside that on visible ones. */
  hiddenWeight: z.number().nonnegative().default(4),
  /** Gives the generator the mask as one more channel; the authors' code does not. */
  maskChannel: z.boolean().default(false),
  /** Trains on images mirrored left to right with a chance of one half; the authors do so on CIFAR-10 only. */
  flip: z.boolean().default(false),
  /** How the maps of the scales become one: the most unusual scale, their mean, or their mean in units of the usual error. */
  scaleFusion: z.enum(SCORE_NAMES).default('select'),
  /** Training images, evenly spaced, on which the usual error of each scale is measured; 0 takes all. */
  meanImages: z.int().min(0).default(0),
  /** Blurs the map (never the scores) with a Gaussian of sigma = shorter side / 64. */
  mapBlur: z.boolean().default(false),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** The authors' configuration for 512x512. */
  paper: () => ({ learningRate: 1e-4, batchSize: 4, epochs: 200, baseChannels: 64, residualBlocks: 8 }),
  /** Spec: width 16 and 4 blocks for small images. */
  default: (input) =>
    isSmall(input)
      ? {}
      : { learningRate: 1e-4, batchSize: 4, epochs: 200, baseChannels: 32, residualBlocks: 8, meanImages: 200 },
  /** The networks of the sanity experiment; below 48 pixels two scales and two passes over thousands of images. */
  quick: ({ height, width }) => ({
    baseChannels: 8,
    residualBlocks: 2,
    meanImages: 200,
    ...(Math.min(height, width) < 48 ? { epochs: 2, stripes: [4, 8] } : { epochs: 40, batchSize: 8 }),
  }),
};

function isSmall({ height, width }: ImageShape): boolean {
  return Math.min(height, width) <= 64;
}

/** The spec's small grid; fusion is free at test time. */
export const searchSpace: SearchSpace = {
  adversarialWeight: { values: [0, 0.001] },
  stripes: {
    values: [
      [4, 8, 16],
      [2, 4, 8],
    ],
  },
};

/** Combinations that have no meaning. */
export function refuse(h: Hyperparameters, { height, width }: ImageShape): string | null {
  const finest = Math.max(...h.stripes);
  if (finest > Math.min(height, width)) {
    return `stripes ${finest} makes stripes thinner than a pixel on ${height}x${width} images; take at most ${Math.min(height, width)}`;
  }
  return null;
}

/** From here on an image is worth a warning. */
const LARGE_SIDE = 256;

export function warn(h: Hyperparameters, { height, width }: ImageShape): readonly string[] {
  if (Math.max(height, width) < LARGE_SIDE) return [];
  return [`scoring takes ${4 * h.stripes.length} generator passes for every image of ${height}x${width}`];
}
