import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';
import { geometryOf } from './geometry.js';

/** What is legal. Defaults are the authors' code (learning rate, weights, batch, epochs, widths) where not noted. */
export const Hyperparameters = z.strictObject({
  /** Adam step size of both networks. */
  learningRate: z.number().positive().default(2e-4),
  batchSize: z.int().min(2).max(4096).default(64),
  epochs: z.int().min(1).max(10_000).default(15),
  /** Base width of both networks; 16 is for CPUs (ours). */
  width: z.int().min(1).max(512).default(64),
  /** Length of the discriminator's features f, the latent of the method. */
  latentSize: z.int().min(1).max(4096).default(100),
  /** Cap on the discriminator's channels, which double at every level; none as released, 512 is sensible from 128x128 on (ours). */
  discMaxChannels: z.int().min(1).max(65_536).default(65_536),
  /** Outermost skip connections left out; full skips let the generator copy its input (ours). */
  skipLevels: z.int().min(0).max(7).default(0),
  /** How images reach a square power of two: black frame (ours) or bilinear resizing (authors' code). */
  resize: z.enum(['pad', 'bilinear']).default('pad'),
  /** Weight of the adversarial term. */
  wAdv: z.number().nonnegative().default(1),
  /** Weight of the contextual term; 50 in the code, 40 in the paper by a recollection we could not verify. */
  wCon: z.number().nonnegative().default(50),
  /** Weight of the latent term. */
  wLat: z.number().nonnegative().default(1),
  /** Sign of the latent term in the discriminator's loss; the code adds it, which drives the feature distance to zero. */
  dLatent: z.enum(['none', 'plus', 'minus']).default('none'),
  /** Standard deviation of Gaussian noise on the generator's training input in [-1, 1]; its target stays clean (ours). */
  noiseSigma: z.number().nonnegative().default(0),
  /** Weight of the reconstruction error in the score; the feature distance has the rest. */
  scoreLambda: z.number().min(0).max(1).default(0.9),
  /** Reconstruction error of the score: squared (code) or absolute (paper). */
  scoreNorm: z.enum(['squared', 'l1']).default('squared'),
  /** Whether both parts of the score are divided by their means on held-out normal images before they are mixed (ours). */
  standardise: z.boolean().default(false),
  /** Statistics that batch normalisation scores with: moving averages, or each image's own over its pixels (batch size 1). */
  bnEval: z.enum(['running', 'instance']).default('running'),
  /** Whether the anomaly map is smoothed by a Gaussian of sigma = size / 64 (ours). */
  smoothMap: z.boolean().default(false),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** From this side on an uncapped discriminator is larger than 12 million weights. */
const LARGE_SIDE = 128;
const SENSIBLE_CAP = 512;

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** The authors' code; their script for CIFAR-10 trains longer. */
  paper: (input) => ({ resize: 'bilinear', epochs: input.channels === 3 ? 25 : 15 }),
  default: (input) => (geometryOf(input).side < LARGE_SIDE ? {} : { discMaxChannels: SENSIBLE_CAP }),
  /** Narrow and short, for a CPU core: the figures do not rise with more epochs. */
  quick: () => ({ width: 16, epochs: 3, discMaxChannels: SENSIBLE_CAP }),
};

/** Eight configurations around the method's weakness, a generator that copies (ours). */
export const searchSpace: SearchSpace = {
  wCon: { values: [5, 50] },
  skipLevels: { values: [0, 2] },
  noiseSigma: { values: [0, 0.2] },
};

export function refuse(h: Hyperparameters, input: ImageShape): string | null {
  const { side, levels } = geometryOf(input);
  if (h.skipLevels < levels) return null;
  return `skipLevels ${h.skipLevels} leaves out more skips than there are: ${side}x${side} pixels have ${levels - 1}`;
}

export function warn(h: Hyperparameters, input: ImageShape): readonly string[] {
  const { side } = geometryOf(input);
  const channels = (h.width * side) / 8;
  if (side < LARGE_SIDE || Math.min(channels, h.discMaxChannels) <= SENSIBLE_CAP) return [];
  return [
    `the discriminator widens to ${Math.min(channels, h.discMaxChannels)} channels at ${side}x${side}; discMaxChannels: ${SENSIBLE_CAP} saves most of its memory`,
  ];
}
