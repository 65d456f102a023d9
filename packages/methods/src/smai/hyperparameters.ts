import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';
import { seedGrid } from './slic.js';
import { SSIM_WINDOW } from './ssim-window.js';

/** What is legal. Defaults are the `default` preset for grey 28x28 images; all are ours, the paper's were not available. */
export const Hyperparameters = z.strictObject({
  /** Adam step size; halved after half and after three quarters of the epochs. */
  learningRate: z.number().positive().default(1e-3),
  batchSize: z.int().min(1).max(4096).default(8),
  epochs: z.int().min(1).max(10_000).default(40),
  /** S: side in pixels of a superpixel as a square; an image of N pixels is asked for round(N / S^2) superpixels. */
  superpixelSide: z.int().min(2).max(256).default(8),
  /** `slic` follows the image's edges; `grid` makes plain squares (an ablation). */
  segmentation: z.enum(['slic', 'grid']).default('slic'),
  /** m: large values give square superpixels; 40 suits strongly textured images. */
  compactness: z.number().positive().max(1e7).default(10),
  /** T: rounds of SLIC. */
  slicIterations: z.int().min(1).max(100).default(10),
  /** Standard deviation in pixels of the blur before SLIC; 0 leaves it out. */
  slicSmoothing: z.number().min(0).max(5).default(0),
  /** A training image hides a uniformly drawn fraction of its superpixels between these two. */
  hiddenMin: z.number().gt(0).max(1).default(0.05),
  hiddenMax: z.number().gt(0).max(1).default(0.3),
  /** Width of the first level of the U-Net; it doubles with every level but the last. */
  baseChannels: z.int().min(1).max(512).default(16),
  /** How often the U-Net halves the image: 4 for 256x256, 3 for 32x32 to 64x64. */
  levels: z.int().min(1).max(6).default(3),
  /** Partial convolutions (Liu et al. 2018) instead of a mask channel. */
  partialConv: z.boolean().default(false),
  /** Weight of the absolute error inside the holes. */
  l1Weight: z.number().nonnegative().default(1),
  /** Alpha: weight of 1 - SSIM of the completed image. */
  ssimWeight: z.number().nonnegative().default(1),
  /** Trains on images mirrored left to right with a chance of one half. */
  flip: z.boolean().default(false),
  /** Error inside a restored superpixel that the own score and the map use. */
  error: z.enum(['l2', 'ssim']).default('l2'),
  /** How the errors of the superpixels become the own score: per pixel of the image, the largest, the mean of the largest three. */
  reduction: z.enum(['sum', 'max', 'top3']).default('sum'),
  /** What the map shows: the error of each pixel, or the mean error of its superpixel. */
  mapUnit: z.enum(['pixel', 'superpixel']).default('pixel'),
  /** Blurs the map (never the scores) with a Gaussian of sigma = S / 4. */
  mapBlur: z.boolean().default(false),
  /** Hides superpixels that are far apart in one pass: fewer passes, an approximation for sweeps. */
  grouped: z.boolean().default(false),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** The larger network and superpixels above 64 pixels, the small ones up to there. */
function sizesFor({ height, width }: ImageShape): Partial<Hyperparameters> {
  return Math.min(height, width) > 64
    ? { superpixelSide: 16, baseChannels: 32, levels: 4, epochs: 200 }
    : { superpixelSide: 8, baseChannels: 16, levels: 3, epochs: 40 };
}

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** The spec's schedule for 60 to 400 images. */
  paper: (input) => ({ ...sizesFor(input), epochs: 200 }),
  default: sizesFor,
  /** From 48 pixels up the sanity experiment with grouped passes; below, a narrow network, few passes and few epochs. */
  quick: (input) =>
    Math.min(input.height, input.width) < 48
      ? { superpixelSide: 12, baseChannels: 8, levels: 3, batchSize: 32, epochs: 4 }
      : { superpixelSide: 8, baseChannels: 16, levels: 3, epochs: 40, grouped: true },
};

/** The spec's small grid, its sizes for 256x256 halved as the small networks' default is. Error and reduction cost nothing. */
export const searchSpace: SearchSpace = {
  superpixelSide: { values: [4, 8, 16] },
  ssimWeight: { values: [0, 1] },
};

/** K: how many superpixels an image is asked for. */
export function segmentCount(h: Hyperparameters, { height, width }: ImageShape): number {
  return Math.max(1, Math.round((height * width) / h.superpixelSide ** 2));
}

/** Combinations that have no meaning. */
export function refuse(h: Hyperparameters, input: ImageShape): string | null {
  const { height, width } = input;
  const { rows, columns } = seedGrid(height, width, segmentCount(h, input));
  if (rows * columns < 2) {
    return `superpixelSide ${h.superpixelSide} covers a whole ${height}x${width} image; take at most ${Math.floor(Math.min(height, width) / 2)}`;
  }
  if (rows * columns > MAX_SEGMENTS) {
    return `superpixelSide ${h.superpixelSide} cuts a ${height}x${width} image into ${rows * columns} superpixels, at most ${MAX_SEGMENTS} are possible; take a larger one`;
  }
  if (Math.min(height, width) < 2 ** h.levels) {
    return `levels ${h.levels} halve an image of ${height}x${width} to nothing; take at most ${Math.floor(Math.log2(Math.min(height, width)))}`;
  }
  if (h.hiddenMin > h.hiddenMax) return `hiddenMin ${h.hiddenMin} is above hiddenMax ${h.hiddenMax}`;
  if (h.l1Weight === 0 && h.ssimWeight === 0) return 'l1Weight and ssimWeight are both 0; nothing would be learned';
  if (Math.min(height, width) < SSIM_WINDOW) {
    return `the SSIM window needs sides of at least ${SSIM_WINDOW}, images are ${height}x${width}`;
  }
  return null;
}

/** Labels are 16 bits wide, and texture makes up to three times the superpixels asked for. */
const MAX_SEGMENTS = 20_000;

/** Up to here one masked pass per superpixel is not worth a word. */
const MANY_PASSES = 32;

export function warn(h: Hyperparameters, input: ImageShape): readonly string[] {
  const passes = segmentCount(h, input);
  if (h.grouped || passes <= MANY_PASSES) return [];
  return [
    `scoring hides superpixels one by one: about ${passes} passes through the network for every image; grouped: true makes 12 to 20 of them, an approximation`,
  ];
}
