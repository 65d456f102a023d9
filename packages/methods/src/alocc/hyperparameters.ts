import type { CheckpointRule } from '@adctl/protocol';
import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';
import { SCORE_NAMES } from './score-names.js';

/** What is legal. Defaults are the `default` preset; their origin is ours where not noted. */
export const Hyperparameters = z.strictObject({
  /** Step size of the reconstructor R. */
  learningRate: z.number().positive().default(1e-3),
  /** Step size of the discriminator D as a part of R's. */
  discLrRatio: z.number().positive().default(0.2),
  /** Authors' code. */
  batchSize: z.int().min(2).max(4096).default(128),
  /** At most; which epoch is kept is the business of `stop` (authors' code trains 40). */
  epochs: z.int().min(1).max(10_000).default(40),
  /** Three stages as in the authors' code, or four as in the paper's figures. */
  arch: z.enum(['code', 'paper']).default('code'),
  /** Base width: 16 in the authors' code, 64 in the paper. */
  width: z.int().min(1).max(512).default(16),
  /** Reconstruction error: its mean (ours), its sum over an image (the paper to the letter), or the code's cross-entropy. */
  recLoss: z.enum(['mse', 'l2sum', 'bceTanh']).default('mse'),
  /** Lambda: weight of the reconstruction error; 0.4 in the paper, 0.2 in the code, which goes with `bceTanh`. */
  lambdaRec: z.number().nonnegative().default(0.4),
  /** Weight of the adversarial term of R; 0 leaves a denoising auto-encoder. */
  wAdv: z.number().nonnegative().default(1),
  /** Updates of R for each of D; 2 in the code, "so that D's loss does not go to zero". */
  reconstructorSteps: z.int().min(1).max(10).default(1),
  /** Standard deviation of the noise on R's input in [-1, 1], clipped to it; 0.155 on [0, 1] in the code. */
  noiseSigma: z.number().nonnegative().default(0.31),
  /** `rmsprop` is the code's: decay 0.9, mean squares starting at one. */
  optimizer: z.enum(['adam', 'rmsprop']).default('adam'),
  /** Kept epoch: the lowest held-out error, the first one below `rho` (paper), or the last. */
  stop: z.enum(['bestRec', 'rho', 'last']).default('bestRec'),
  /** Held-out squared error a pixel in [-1, 1] at which `stop: rho` is content; the paper gives no value. */
  rho: z.number().positive().default(0.05),
  /** The score that judges an image. */
  score: z.enum(SCORE_NAMES).default('drx'),
  /** Statistics that batch normalisation scores with; `batch` is the authors' code and ties an image to its batch. */
  bnAtTest: z.enum(['moving', 'batch']).default('moving'),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** The paper's figures, its squared norm as a sum, its stopping rule. */
  paper: () => ({ arch: 'paper', width: 64, recLoss: 'l2sum', stop: 'rho' }),
  default: () => ({}),
  /** Half the code's widths, ten epochs: a CPU core and a minute or so. */
  quick: () => ({ width: 8, epochs: 10 }),
};

/** Eight configurations. Rank them by nothing but the stopping rule, and look at the spread over seeds. */
export const searchSpace: SearchSpace = {
  learningRate: { values: [2e-4, 1e-3] },
  lambdaRec: { values: [0.4, 10] },
  reconstructorSteps: { values: [1, 2] },
};

export function checkpointRule({ stop, rho }: Hyperparameters): CheckpointRule {
  if (stop === 'last') return { rule: 'last' };
  const best = { rule: 'best', metric: 'selection.loss', burnIn: 0 } as const;
  return stop === 'rho' ? { ...best, enough: rho } : best;
}

export function warn(h: Hyperparameters): readonly string[] {
  return h.bnAtTest === 'batch'
    ? ['bnAtTest: batch makes the score of an image depend on the others in its batch; use it for comparison only']
    : [];
}
