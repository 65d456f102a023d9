import type { CheckpointRule } from '@adctl/protocol';
import type { RandomGenerator } from '@adctl/random';
import type { SearchSpace } from '@adctl/search';
import type { Scalar, Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import type { z } from 'zod';
import type { BackboneName } from './backbones/architecture.js';
import type { Network } from './kit/network.js';
import type { NetworkPlan } from './kit/network-plan.js';
import type { Optimizer } from './kit/optimizer.js';
import type { PublishedResult } from './published-result.js';

/** Size of the images a model sees: pixels and channels (1 or 3). */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Hyperparameters every method has; those trained by gradient also have `learningRate`. */
export interface CommonHyperparameters {
  /** Images of one training step, or of one read where a method only fits. */
  readonly batchSize: number;
  /** Passes over the training images; 0 for a method that only fits. */
  readonly epochs: number;
}

export const PRESETS = ['paper', 'default', 'quick'] as const;
export type Preset = (typeof PRESETS)[number];

/** What a method says about itself without loading a tensor library. */
export interface MethodCard<H extends CommonHyperparameters = CommonHyperparameters> {
  /** The id, equal to the folder's name. */
  readonly name: string;
  readonly title: string;
  readonly family: 'reconstruction' | 'restoration' | 'embedding' | 'discrimination' | 'distillation';
  readonly paper: {
    readonly title: string;
    readonly authors: string;
    readonly venue: string;
    readonly year: number;
    readonly arxiv?: string;
    readonly doi?: string;
  };
  /** One sentence: how far the implementation rests on the paper, the authors' code, and our own decisions. */
  readonly evidence: string;
  readonly published: readonly PublishedResult[];
  /** Strict schema with defaults (the `default` preset for grey 28x28 images). */
  readonly hyperparameters: z.ZodType<H>;
  /** What each preset changes against the schema's defaults, for images of this shape. */
  readonly presets: Readonly<Record<Preset, (input: ImageShape) => Partial<H>>>;
  /** What is worth trying: the spec's default small grid. */
  readonly searchSpace: SearchSpace;
  /** Why these hyperparameters cannot work on these images, or null. */
  readonly refuse?: (hyperparameters: H, input: ImageShape) => string | null;
  /** Warnings worth printing before training, e.g. "dense is not recommended above 64x64x3". */
  readonly warn?: (hyperparameters: H, input: ImageShape) => readonly string[];
  readonly checkpointRule: (hyperparameters: H) => CheckpointRule;
  /** Whether the last, partial batch of an epoch is skipped. */
  readonly dropLastBatch: boolean;
  /** Names of networks that training never moves. */
  readonly frozen: readonly string[];
  /** Which backbone a model of these hyperparameters looks through, and with which weights; null for none. */
  readonly backbone?: (hyperparameters: H) => BackboneChoice | null;
  /** Every network as plain data: layers, shapes, parameter counts; `model.ts` builds its tensors from the same plans. */
  readonly networks: (hyperparameters: H, input: ImageShape) => readonly NetworkPlan[];
  /** The scores the model can compute; the first is the method's own. */
  readonly scores: readonly string[];
  /** The score its spec's acceptance judges (house style section 9, check 9). */
  readonly judgedScore: string;
  /**
   * The score measured on the selection split after each epoch, where the model's own needs `fit` first. Default: the
   * model's own. Trials are ranked by the own score in any case: it is measured again after `fit`.
   */
  readonly epochScore?: string;
  /**
   * Images scored at once, fewer where a method makes many passes over each. Default 256. Decides the last bits of a
   * score, so it may depend on hyperparameters and image size only.
   */
  readonly scoringBatch?: (hyperparameters: H, input: ImageShape) => number;
  /** How the method contract exercises the method where its defaults do not suit; see `ContractSettings`. */
  readonly contract?: ContractSettings<H>;
  /** Loads the tensor code; only a worker calls this. */
  readonly load: () => Promise<CreateModel<H>>;
}

/** A backbone and where its weights come from; part of every result. */
export interface BackboneChoice {
  readonly architecture: BackboneName;
  /** `random`, drawn from the trial's seed, or the digest of cached weights. */
  readonly weights: string;
}

/** Small settings under which the method contract's tests run in seconds. */
export interface ContractSettings<H extends CommonHyperparameters = CommonHyperparameters> {
  /** Image shapes the method is tested on; default 28x28x1 and 32x32x3. */
  readonly inputs?: readonly ImageShape[];
  /** Changes to the `quick` preset, e.g. narrow layers; default none. */
  readonly hyperparameters?: (input: ImageShape) => Partial<H>;
  /** The learning check. */
  readonly learning?: LearningContract<H>;
}

/** Check 9: trained on toy normals, the judged score must reach a floor that untrained models miss. */
export interface LearningContract<H extends CommonHyperparameters = CommonHyperparameters> {
  /** Default 28x28x1. */
  readonly input?: ImageShape;
  /** Changes to the `quick` preset with batches of 32; default none. */
  readonly hyperparameters?: Partial<H>;
  /** Image-level AUROC in (0.5, 1]; default 0.9. */
  readonly aurocFloor?: number;
}

/** What a model is built from. */
export interface ModelContext {
  readonly input: ImageShape;
  /** Seed of the trial; networks derive their weights from it by name. */
  readonly seed: number;
  /** The stream for noise, masks and latent draws; its state is part of every checkpoint. */
  readonly generator: RandomGenerator;
  /** The bytes of cached backbone weights by their digest. @throws AdctlError user `backbone_missing`. */
  readonly readWeights?: (sha256: string) => Promise<Uint8Array>;
}

export type CreateModel<H extends CommonHyperparameters = CommonHyperparameters> = (
  hyperparameters: H,
  context: ModelContext,
) => Model | Promise<Model>;

/** Normal images that a model may read outside of training steps. */
export interface ImageReader {
  readonly count: number;
  readonly shape: ImageShape;
  /** Images at these positions, `[positions.length, height, width, channels]` float32 in [0, 1]; the caller disposes them. */
  read(positions: Int32Array): Promise<Tensor4D>;
}

/** What `Model.fit` works with. */
export interface FittingImages {
  /** The training images, in the order of `StepPosition.positions`. */
  readonly train: ImageReader;
  /** Held-out normal images, never trained on: for the constants of a score. */
  readonly calibration: ImageReader;
  /** Aborted when the trial is to stop: throw its reason between two reads. */
  readonly signal: AbortSignal;
}

/** What a buffer holds. */
export interface BufferContent {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * State of a model beside its networks' variables: a memory, cluster centres, fitted constants. Saved with every
 * checkpoint and with the finished model; `createBuffer` of the kit makes one.
 */
export interface ModelBuffer {
  /** What it holds now; the caller must not change it. Any size along the first axis, 0 before there is anything. */
  read(): BufferContent;
  /** Replaces what it holds; the data belongs to the buffer from then on. */
  write(content: BufferContent): void;
}

/** Where training stands when a step runs. */
export interface StepPosition {
  /** Epoch in progress, from 1. */
  readonly epoch: number;
  /** Optimizer update cycles finished before this one, from 0, over the whole training. */
  readonly step: number;
  /** Which training images the batch holds, in its order: positions in the list of training images. */
  readonly positions: Int32Array;
}

/**
 * A trainable detector. It owns its networks and optimizers until `dispose`. Images are
 * `[batch, height, width, channels]`, float32 in [0, 1], of the context's shape; the model does its own scaling and
 * padding. It throws a `user` error `wrong_image_shape` naming both shapes for anything else.
 */
export interface Model {
  readonly networks: Readonly<Record<string, Network>>;
  readonly optimizers: Readonly<Record<string, Optimizer>>;
  /** State beside the variables, by name; the same names for the model's whole life. */
  readonly buffers?: Readonly<Record<string, ModelBuffer>>;
  /**
   * Looks at the training images before the first step. What it learns goes into `buffers`: a training that continues
   * from a checkpoint is not prepared again. Takes chance from a generator of its own, derived from the seed.
   */
  prepare?(train: ImageReader): Promise<void>;
  /**
   * One update cycle on normal images only. Absent in a model that only fits (`epochs` 0).
   *
   * @returns the named loss terms (paper symbols in the method's README), each a scalar that the caller disposes.
   */
  trainStep?(images: Tensor4D, position: StepPosition): Record<string, Scalar>;
  /**
   * Completes the model after the last step, with the kept weights: fills memories, fits distributions, measures the
   * constants of scores. What it learns goes into `buffers`. The same weights and images give the same fit, however often
   * it runs; scores that need it throw `not_fitted` (bug) before.
   */
  fit?(images: FittingImages): Promise<void>;
  /** The score that `score` computes by default: the card's first, or what a hyperparameter chose. */
  readonly ownScore: string;
  /**
   * One score per image, `[batch]` float32, higher = more anomalous; independent of the other images of the batch.
   * @param name one of the card's `scores`; `ownScore` by default.
   */
  score(images: Tensor4D, name?: string): Tensor1D;
  /** All of the card's scores, each equal to `score` by name: for scores that share costly passes over the images. */
  scoreAll?(images: Tensor4D): Readonly<Record<string, Tensor1D>>;
  /** Per-image `selection.loss` (what the specs call validation error), `[batch]`; deterministic: fixed noise by `offset`. */
  selectionLoss(images: Tensor4D, offset: number): Tensor1D;
  /** Per-pixel score, `[batch, height, width]`, for methods that localise. */
  anomalyMap?(images: Tensor4D): Tensor3D;
  /** What the model believes the images should look like, `[batch, height, width, channels]` in [0, 1]. */
  reconstruct?(images: Tensor4D): Tensor4D;
  /** Frees every network and optimizer. */
  dispose(): void;
}

/** A model that is trained by steps, as most are. */
export type SteppingModel = Model & Required<Pick<Model, 'trainStep'>>;

/** Checks nothing at run time; gives `method.ts` files inference and the registry one type. */
export function defineMethod<H extends CommonHyperparameters>(card: MethodCard<H>): MethodCard<H> {
  return card;
}
