import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';

const sizes = z.array(z.int().min(1).max(4096)).min(1).max(8);

/** What is legal. Defaults are the `default` preset for grey 28x28 images; their origin is ours where not noted (spec). */
export const Hyperparameters = z.strictObject({
  /** Adam step size; the paper's optimiser was not available. */
  learningRate: z.number().positive().default(1e-3),
  batchSize: z.int().min(1).max(4096).default(64),
  epochs: z.int().min(1).max(10_000).default(30),
  /** The paper's fully connected family, shallow or deep, or the convolutional one users of images expect (ours). */
  arch: z.enum(['dense-shallow', 'dense-deep', 'conv']).default('dense-shallow'),
  /** Units of the code: h or z of the spec, by far the most important one. */
  latentSize: z.int().min(1).max(4096).default(32),
  /** `dense-deep`: units of the hidden layers before the code; the decoder mirrors them. */
  hiddenUnits: sizes.default([256, 64]),
  /** `conv`: channels of the stride-2 stages; the decoder mirrors them. */
  stageChannels: sizes.default([32, 64]),
  /** `auto`: sigmoid in `dense-shallow`, relu in `dense-deep`, linear in `conv`. */
  codeActivation: z.enum(['auto', 'sigmoid', 'relu', 'linear']).default('auto'),
  /** Linear is for data that are not in [0, 1]. */
  outputActivation: z.enum(['sigmoid', 'linear']).default('sigmoid'),
  /** Dense only: the decoder's matrices are the encoder's, transposed. */
  tied: z.boolean().default(false),
  /** `squared`: half the squared error (the UFLDL form); `bce`: binary cross-entropy; both summed over components. */
  loss: z.enum(['squared', 'bce']).default('squared'),
  /** Lambda: weight of half the squared norm of all weight matrices and kernels, biases excluded. */
  weightDecay: z.number().nonnegative().default(1e-4),
  /** `none` is an autoencoder; any other makes it a denoising one. */
  noise: z.enum(['none', 'mask', 'gauss', 'saltpepper']).default('none'),
  /** `gauss`: standard deviation on [0, 1] pixels, not clipped. */
  noiseSigma: z.number().nonnegative().default(0.2),
  /** `mask`: fraction of the pixels set to 0. */
  maskProbability: z.number().min(0).lt(1).default(0.25),
  /** `saltpepper`: fraction of the pixels set to 0 or 1. */
  saltPepperProbability: z.number().min(0).lt(1).default(0.1),
  /** Beta: weight of the sparsity term, for sigmoid codes. */
  sparsityWeight: z.number().nonnegative().default(0),
  /** Rho: the mean activation the sparsity term asks of every code unit (UFLDL tutorial). */
  sparsityTarget: z.number().gt(0).lt(1).default(0.05),
  /** How the map of squared errors becomes one score: its mean, its maximum, or the mean of its largest hundredth. */
  scoreReduction: z.enum(['mean', 'max', 'top1%']).default('mean'),
  /** Whether the map is smoothed by a Gaussian of sigma = size / 64 before `max` and `top1%`. */
  smoothMap: z.boolean().default(false),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** Spec: dense sizes double where an image has 3,072 components or more; conv stages go down to a side of 4 to 7. */
function sizesFor(input: ImageShape): Pick<Hyperparameters, 'hiddenUnits' | 'stageChannels'> {
  const isLarge = input.height * input.width * input.channels >= 3072;
  return { hiddenUnits: isLarge ? [512, 128] : [256, 64], stageChannels: stageChannelsFor(input) };
}

function stageChannelsFor({ height, width }: ImageShape): number[] {
  let stages = Math.max(1, Math.floor(Math.log2(Math.min(height, width) / 4)));
  while (stages > 1 && (height % 2 ** stages !== 0 || width % 2 ** stages !== 0)) stages--;
  return Array.from({ length: stages }, (_, i) => Math.min(256, 32 * 2 ** i));
}

/** Default code size of the convolutional variant (table of the spec). */
function convolutionalLatentSize({ height, width, channels }: ImageShape): number {
  const side = Math.min(height, width);
  if (side < 32) return 32;
  if (side < 64) return channels === 1 ? 64 : 128;
  return side < 128 ? 128 : 256;
}

function isGrey28({ height, width, channels }: ImageShape): boolean {
  return height === 28 && width === 28 && channels === 1;
}

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** The paper's family; its exact layer sizes were not available. */
  paper: (input) => ({ ...sizesFor(input), arch: 'dense-shallow', latentSize: 32, weightDecay: 1e-4, epochs: 30 }),
  /** Dense shallow for grey 28x28, convolutional otherwise. */
  default: (input) =>
    isGrey28(input)
      ? sizesFor(input)
      : {
          ...sizesFor(input),
          arch: 'conv',
          latentSize: convolutionalLatentSize(input),
          weightDecay: 1e-5,
          epochs: 20,
        },
  /** The spec's sanity experiment: deep, small code, no noise; a class takes seconds on a CPU core. */
  quick: (input) => {
    const { hiddenUnits, stageChannels } = sizesFor(input);
    const latentSize = hiddenUnits[0] === 512 ? 32 : 16;
    return { hiddenUnits, stageChannels, arch: 'dense-deep', latentSize, weightDecay: 1e-5, noise: 'none', epochs: 10 };
  },
};

/** The spec's default small grid, 8 configurations. */
export const searchSpace: SearchSpace = {
  latentSize: { values: [16, 32] },
  noise: { values: ['none', 'gauss'] },
  weightDecay: { values: [1e-6, 1e-4] },
};

/** What the code layer ends in. */
export function codeActivationOf(h: Hyperparameters): 'sigmoid' | 'relu' | 'linear' {
  if (h.codeActivation !== 'auto') return h.codeActivation;
  return ({ 'dense-shallow': 'sigmoid', 'dense-deep': 'relu', conv: 'linear' } as const)[h.arch];
}

/** Combinations that have no meaning. */
export function refuse(h: Hyperparameters, { height, width }: ImageShape): string | null {
  if (h.arch === 'conv') {
    const factor = 2 ** h.stageChannels.length;
    if (height % factor !== 0 || width % factor !== 0) {
      return `${h.stageChannels.length} stride-2 stages need sides divisible by ${factor}, images are ${height}x${width}; use fewer stageChannels or another dataset.image size`;
    }
    if (h.tied) return "tied weights exist for the dense architectures; set tied: false or arch: 'dense-deep'";
  }
  if (h.loss === 'bce' && h.outputActivation !== 'sigmoid') {
    return "loss: 'bce' needs outputActivation: 'sigmoid'";
  }
  if (h.sparsityWeight > 0 && codeActivationOf(h) !== 'sigmoid') {
    return "sparsityWeight needs a sigmoid code; set codeActivation: 'sigmoid' or sparsityWeight: 0";
  }
  return null;
}

/** Spec: dense layers are not recommended above 64x64x3. */
export function warn(h: Hyperparameters, input: ImageShape): readonly string[] {
  const components = input.height * input.width * input.channels;
  if (h.arch === 'conv' || components <= 64 * 64 * 3) return [];
  return [`arch '${h.arch}' is not recommended above 64x64x3 (this image has ${components} components); use 'conv'`];
}
