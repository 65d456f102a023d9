import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import type { ImageShape, Preset } from '../method.js';

/** What is legal. Defaults are the `default` preset for grey 28x28 images; all values are ours (spec, "Our design"). */
export const Hyperparameters = z.strictObject({
  /** Adam step size. */
  learningRate: z.number().positive().default(1e-3),
  batchSize: z.int().min(1).max(4096).default(64),
  epochs: z.int().min(1).max(10_000).default(20),
  /** What the memory holds: whole images (aligned objects), or cells of the latent grid (textures). */
  granularity: z.enum(['image', 'cell']).default('image'),
  /** Channels of the encoder's stride-2 stages; the decoders mirror them. */
  stageChannels: z.array(z.int().min(1).max(4096)).min(1).max(8).default([32, 64]),
  /** z: values of an image's latent, or channels of a cell's; small ones detect better (measured). */
  latentSize: z.int().min(1).max(4096).default(32),
  /** Q: pairs of key and value the memory holds (2,048 in the paper). */
  queueSize: z.int().min(1).max(1_000_000).default(2048),
  /** K: clusters of pixel colours that stand in for labelled semantic classes. */
  pseudoClasses: z.int().min(2).max(64).default(3),
  /** t: squared colour distances are divided by it before the soft-max over the clusters. */
  semanticTemperature: z.number().positive().default(0.02),
  /** kappa: gradient at which an edge counts 1 - exp(-1/2). */
  edgeScale: z.number().positive().default(0.1),
  /** G, `image`: structures are averaged over a G x G grid to make a key. */
  keyGrid: z.int().min(1).max(512).default(14),
  /** omega, `cell`: weight of a cell's row and column in its key; 0 for textures, 1 for aligned objects. */
  positionWeight: z.number().nonnegative().default(0),
  /** topK: nearest entries whose values are averaged. */
  neighbours: z.int().min(1).max(256).default(1),
  /** Squared distances are divided by it before the soft-max that weighs several neighbours. */
  neighbourTemperature: z.number().positive().default(1),
  /** lDir: weight of the autoencoder path, the only one that trains the encoder. */
  directWeight: z.number().positive().default(1),
  /** lMem: weight of the reconstructions from memory. */
  memoryWeight: z.number().nonnegative().default(0),
  /** lStr: weight of the structure-consistency constraint of the paper's abstract. */
  structureWeight: z.number().nonnegative().default(0),
  /** lAtt: weight of the blend of the two reconstructions, moving the attention alone. */
  attentionWeight: z.number().nonnegative().default(1),
  /** lambdaS in [0, 1]: share of the structure difference in the score, the rest is the pixel error's. */
  structureShare: z.number().min(0).max(1).default(0.5),
  /** lambdaR: weight of the distance to the nearest keys in the score. */
  retrievalWeight: z.number().nonnegative().default(0),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

const sideOf = ({ height, width }: ImageShape) => Math.min(height, width);

/** The spec's table: whole images below 64 px, cells of the latent grid above; six clusters for colours. */
function defaultsFor(input: ImageShape): Partial<Hyperparameters> {
  const side = sideOf(input);
  const common = { pseudoClasses: input.channels === 1 ? 3 : 6, batchSize: side < 128 ? 64 : 16 };
  if (side < 32) return { ...common, granularity: 'image', stageChannels: [32, 64], latentSize: 32, keyGrid: 14 };
  if (side < 64) return { ...common, granularity: 'image', stageChannels: [32, 64, 128], latentSize: 64, keyGrid: 16 };
  const stageChannels = side < 128 ? [32, 64, 128] : [32, 64, 128, 128];
  return { ...common, granularity: 'cell', stageChannels, latentSize: 64, queueSize: 16_384, keyGrid: 16 };
}

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  /** With the structure-consistency constraint of the abstract, the attention trained through the blend. */
  paper: (input) => ({ ...defaultsFor(input), memoryWeight: 1, structureWeight: 0.06, attentionWeight: 0 }),
  /** The decoders only learn to decode, the memory is used at test time; measured best of the three tried. */
  default: defaultsFor,
  /** The spec's sanity experiment: as default, 10 epochs. */
  quick: (input) => ({ ...defaultsFor(input), epochs: 10 }),
};

/** The trainings of the spec's default small grid; its scorings need none: every trial reports the parts of the score. */
export const searchSpace: SearchSpace = {
  latentSize: { values: [16, 64] },
  memoryWeight: { values: [0, 1] },
};

/** Keys looked up at once: with chunks of 4,096 stored ones, 128 MB of distances. */
const LOOKED_UP = 8192;

/** Images scored, or read to be described, at once. */
export function scoringBatch(
  h: Pick<Hyperparameters, 'granularity' | 'stageChannels'>,
  { height, width }: ImageShape,
): number {
  const cells = h.granularity === 'image' ? 1 : (height * width) / 4 ** h.stageChannels.length;
  return Math.max(1, Math.min(256, Math.floor(LOOKED_UP / cells)));
}

/** Sides that do not divide, and an attention that nothing trains. */
export function refuse(h: Hyperparameters, { height, width }: ImageShape): string | null {
  const stages = 2 ** h.stageChannels.length;
  if (height % stages !== 0 || width % stages !== 0) {
    return `${h.stageChannels.length} stride-2 stages need sides divisible by ${stages}, images are ${height}x${width}; use fewer stageChannels or another dataset.image size`;
  }
  if (h.granularity === 'image' && (height % h.keyGrid !== 0 || width % h.keyGrid !== 0)) {
    return `a key of ${h.keyGrid}x${h.keyGrid} means needs sides divisible by ${h.keyGrid}, images are ${height}x${width}; use another keyGrid or dataset.image size`;
  }
  if (h.attentionWeight === 0 && h.memoryWeight === 0 && h.structureWeight === 0) {
    return 'nothing trains the attention; set attentionWeight, memoryWeight or structureWeight above 0';
  }
  return null;
}
