import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';

/** What is legal. Defaults are the `default` preset for grey images: the paper's 10 : 1 : 1 weights, our schedule (spec 3.5). */
export const Hyperparameters = z.strictObject({
  /** Adam step size of all five networks (authors' code). */
  learningRate: z.number().positive().default(2e-4),
  batchSize: z.int().min(2).max(4096).default(128),
  epochs: z.int().min(1).default(50),
  /** `native32`: up to 32x32, 'same' convolutions (ours). `paper61`: everything resized to 61x61 RGB (authors' code). */
  geometry: z.enum(['native32', 'paper61']).default('native32'),
  /** Length d of the code z; the cube is (-1, 1)^d. */
  latentSize: z.int().min(1).max(4096).default(16),
  /** Base width g of encoder and decoder. */
  encoderWidth: z.int().min(1).max(512).default(64),
  /** Base width of the visual discriminator (authors' README and scripts). */
  visualWidth: z.int().min(1).max(512).default(12),
  /** Base width of the classifier. */
  classifierWidth: z.int().min(1).max(512).default(64),
  /** Weight of the reconstruction error, on the plain mean squared error (paper). */
  lambdaRec: z.number().nonnegative().default(10),
  /** Weight of the latent discriminator's term. */
  wLatent: z.number().nonnegative().default(1),
  /** Weight of the visual discriminator's term. */
  wVisual: z.number().nonnegative().default(1),
  /** Standard deviation of the denoising noise on [-1, 1] pixels; not clipped. */
  noiseSigma: z.number().nonnegative().default(0.2),
  /** Gradient steps K of the search for informative negatives; 0 switches mining off. */
  mineSteps: z.int().min(0).max(100).default(5),
  /** Step size eta of that search, in latent units. */
  mineStepSize: z.number().nonnegative().default(1),
  /** Mining runs in epochs e (from 1) with e > fraction * epochs. */
  mineStartFraction: z.number().min(0).max(1).default(0.75),
  /** `clip`: move s itself and project onto the cube (ours). `tanh`: move mu with s = tanh(mu) (authors' code). */
  mineSpace: z.enum(['clip', 'tanh']).default('clip'),
  /** Batch normalisation before the encoder's tanh (authors' development scripts). */
  latentBatchNorm: z.boolean().default(true),
  /** Batch normalisation in the 64 and 32 wide layers of the latent discriminator (one development variant). */
  latentDiscBatchNorm: z.boolean().default(false),
  /** Dropout before the decoder's last layer; 0.5 in the authors' code, not in the paper. */
  decoderDropout: z.number().min(0).lt(1).default(0),
  /** The score that judges an image; higher = more anomalous for all of them. */
  score: z.enum(['mse', 'dv_recon', 'dv_input', 'classifier_recon']).default('mse'),
  /** Standard deviation of one fixed noise image added before scoring; the authors' test script uses the training noise. */
  testNoiseSigma: z.number().nonnegative().default(0),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** A larger code for colour images (authors' CIFAR-10 runs). */
const latentSizeFor = (input: ImageShape) => (input.channels === 1 ? 16 : 128);

/** Spec section 3.5. `quick` is the sanity experiment for two CPU cores. */
export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  paper: () => ({ geometry: 'paper61', batchSize: 512, epochs: 200, mineStepSize: 2, latentSize: 16 }),
  default: (input) => ({ latentSize: latentSizeFor(input) }),
  quick: () => ({
    learningRate: 1e-3,
    epochs: 20,
    mineStartFraction: 0.5,
    encoderWidth: 16,
    classifierWidth: 16,
    latentSize: 16,
  }),
};

/** The spec's default small grid, 8 configurations. */
export const searchSpace: SearchSpace = {
  learningRate: { values: [2e-4, 1e-3] },
  lambdaRec: { values: [10, 50] },
  mineSteps: { values: [0, 5] },
};

/** Whether an epoch (from 1) mines informative negatives. */
export function isMiningEpoch(h: Hyperparameters, epoch: number): boolean {
  return h.mineSteps > 0 && epoch > h.mineStartFraction * h.epochs;
}
