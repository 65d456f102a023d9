import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';
import { largestPossibleWeight } from './addressing.js';
import { SCORE_NAMES } from './score-names.js';

/** What is legal. Defaults are the `default` preset for grey 28x28 images; their origin is ours where not noted (spec). */
export const Hyperparameters = z.strictObject({
  /** Adam step size; 1e-4 in the authors' code (video). */
  learningRate: z.number().positive().default(1e-3),
  batchSize: z.int().min(1).max(4096).default(64),
  epochs: z.int().min(1).max(10_000).default(30),
  /** Channels of the encoder's stride-2 stages; the decoder mirrors them. */
  stageChannels: z.array(z.int().min(1).max(4096)).min(1).max(8).default([16, 32, 64]),
  /** Kernel of the first stage; 1 looks at every fourth pixel only (re-implementations of the paper's MNIST network). */
  firstKernel: z.union([z.literal(1), z.literal(3)]).default(3),
  /** After every normalisation: ReLU (images), LeakyReLU 0.2 (authors' video code). */
  activation: z.enum(['relu', 'leakyRelu']).default('relu'),
  /** Leaves the activation of the latent out; a ReLU latent has cosines of at least 0 with another (paper: false). */
  linearLatent: z.boolean().default(false),
  /** N: slots of the memory, 100 for MNIST, 500 for CIFAR-10 (paper), 2,000 for video (paper, authors' code). */
  memorySize: z.int().min(1).max(65_536).default(100),
  /** What asks the memory: the flattened latent of an image, or each of its positions. */
  slot: z.enum(['vector', 'cell']).default('vector'),
  /** Similarity of query and slot: cosine (paper), inner product (authors' code), the same over sqrt(C) (ours). */
  addressing: z.enum(['cosine', 'dot', 'scaled-dot']).default('cosine'),
  /** tau: similarities are divided by it before the softmax. */
  temperature: z.number().positive().default(1),
  /** lambda N: weights up to shrinkFactor / memorySize become 0 (paper 1 to 3, authors' code 5); 0 switches shrinkage off. */
  shrinkFactor: z.number().nonnegative().default(1),
  /** A query that no slot survives for keeps its largest weight (ours), or reads zero and never recovers (authors' code). */
  deadPolicy: z.enum(['keep-max', 'zero']).default('keep-max'),
  /** alpha: weight of the addressing entropy (paper). */
  entropyWeight: z.number().nonnegative().default(2e-4),
  /** The score that judges an image: mean squared error, mean over the pixels of the Euclidean norm, or ours. */
  score: z.enum(SCORE_NAMES).default('mse'),
  /** Whether the anomaly map is smoothed by a Gaussian of sigma = shorter side / 64. */
  smoothMap: z.boolean().default(false),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** Networks and memory of the spec for an image size: MNIST, CIFAR-10, and the video network in two dimensions. */
function sizesFor({ height, width }: ImageShape) {
  const side = Math.min(height, width);
  if (side < 32) return { stageChannels: [16, 32, 64], memorySize: 100 };
  if (side < 64) return { stageChannels: [64, 128, 128, 256], memorySize: 500 };
  return {
    stageChannels: [96, 128, 256, 256],
    memorySize: 2000,
    activation: 'leakyRelu' as const,
    slot: 'cell' as const,
    batchSize: 16,
  };
}

/** The first layer of the paper's MNIST network; the larger ones begin with 3x3. */
const paperFirstKernel = ({ height, width }: ImageShape) => (Math.min(height, width) < 32 ? 1 : 3);

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  paper: (input) => ({
    ...sizesFor(input),
    firstKernel: paperFirstKernel(input),
    learningRate: 1e-4,
    epochs: 100,
  }),
  default: sizesFor,
  /** The spec's sanity experiment: the paper's network, a faster step, 8 epochs. */
  quick: (input) => ({ ...sizesFor(input), firstKernel: paperFirstKernel(input), epochs: 8 }),
};

/** The spec's default small grid, 8 configurations. */
export const searchSpace: SearchSpace = {
  memorySize: { values: [50, 200] },
  temperature: { values: [1, 0.1] },
  entropyWeight: { values: [0, 2e-4] },
};

/** lambda, the shrinkage threshold. */
export function thresholdOf(h: Pick<Hyperparameters, 'shrinkFactor' | 'memorySize'>): number {
  return h.shrinkFactor / h.memorySize;
}

/** A threshold that no weight can pass. */
export function refuse(h: Hyperparameters): string | null {
  const threshold = thresholdOf(h);
  const largest = largestPossibleWeight(h.addressing, h.temperature, h.memorySize);
  if (threshold < largest) return null;
  return `the shrinkage threshold ${round(threshold)} (shrinkFactor / memorySize) is not below ${round(largest)}, the largest weight that ${h.addressing} addressing of ${h.memorySize} slots at temperature ${h.temperature} can give, so every query would be dead; lower shrinkFactor or temperature`;
}

/**
 * Measured: with cosines of random vectors every query is dead from the start once lambda exceeds the largest weight,
 * and under `zero` it stays so. Cosines of C components scatter by 1/sqrt(C), and the largest of N by sqrt(2 ln N) times that.
 */
export function warn(h: Hyperparameters, input: ImageShape): readonly string[] {
  if (h.addressing !== 'cosine' || h.memorySize === 1) return [];
  const size = querySizeOf(h, input);
  const largest = Math.exp(Math.sqrt((2 * Math.log(h.memorySize)) / size) / h.temperature);
  if (h.shrinkFactor < largest) return [];
  const fate = h.deadPolicy === 'zero' ? 'and stay so' : 'and read one slot each (deadPolicy keep-max)';
  return [
    `shrinkFactor ${h.shrinkFactor} is above ${round(largest)}, about the largest of ${h.memorySize} cosine weights (times memorySize) before training at temperature ${h.temperature}: most queries start dead ${fate}; lower shrinkFactor or temperature`,
  ];
}

/** C: components of a query. */
export function querySizeOf(h: Pick<Hyperparameters, 'slot' | 'stageChannels'>, { height, width }: ImageShape): number {
  const channels = h.stageChannels.at(-1)!;
  if (h.slot === 'cell') return channels;
  const side = (size: number) => h.stageChannels.reduce((rest) => Math.ceil(rest / 2), size);
  return side(height) * side(width) * channels;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
