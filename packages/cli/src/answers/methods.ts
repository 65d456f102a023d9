import { PUBLISHED_METRICS } from '@adctl/methods';
import { z } from 'zod';

/** Size of the images a model sees. */
export const InputShape = z.object({
  height: z.int().min(1),
  width: z.int().min(1),
  channels: z.int().min(1).max(4),
});
export type InputShape = z.infer<typeof InputShape>;

export const MethodSummary = z.object({
  name: z.string(),
  title: z.string(),
  family: z.string(),
  paper: z.object({
    title: z.string(),
    authors: z.string(),
    venue: z.string(),
    year: z.int(),
    arxiv: z.string().optional(),
    doi: z.string().optional(),
  }),
  /** How far the implementation rests on the paper, the authors' code and our own decisions. */
  evidence: z.string(),
});
export type MethodSummary = z.infer<typeof MethodSummary>;

/** `adctl methods list` */
export const MethodsListAnswer = z.array(MethodSummary);
export type MethodsListAnswer = z.infer<typeof MethodsListAnswer>;

export const HyperparameterSummary = z.object({
  name: z.string(),
  /** What is legal, e.g. `number > 0`, `integer 1..512`, `"dense" | "conv"`. */
  legal: z.string(),
  description: z.string().optional(),
  default: z.unknown(),
  /** Effective value under each preset, for the input shown. */
  presets: z.record(z.string(), z.unknown()),
});
export type HyperparameterSummary = z.infer<typeof HyperparameterSummary>;

export const LayerRow = z.object({
  name: z.string(),
  kind: z.string(),
  /** Shape without the batch. */
  output: z.array(z.int()),
  trainable: z.int(),
  nonTrainable: z.int(),
});

export const NetworkRow = z.object({
  name: z.string(),
  frozen: z.boolean(),
  input: z.array(z.int()),
  output: z.array(z.int()),
  /** Number of scalars with a gradient. */
  trainable: z.int(),
  /** Moving averages and the like. */
  nonTrainable: z.int(),
  layers: z.array(LayerRow),
});
export type NetworkRow = z.infer<typeof NetworkRow>;

/** `adctl methods show NAME` */
export const MethodShowAnswer = MethodSummary.extend({
  input: InputShape,
  preset: z.string(),
  hyperparameters: z.array(HyperparameterSummary),
  /** The small grid the method's spec suggests. */
  searchSpace: z.record(z.string(), z.unknown()),
  checkpointRule: z.record(z.string(), z.unknown()),
  scores: z.array(z.string()),
  judgedScore: z.string(),
  networks: z.array(NetworkRow),
  /** Sum over the networks. */
  parameters: z.object({ trainable: z.int(), nonTrainable: z.int() }),
  published: z.array(
    z.object({
      dataset: z.string(),
      protocol: z.string(),
      /** One of the two: the normal class (or `mean`), or the anomalous one where all others are normal. */
      normal: z.string().optional(),
      anomalous: z.string().optional(),
      metric: z.enum(PUBLISHED_METRICS),
      value: z.number(),
      source: z.string(),
      /** Never read, only recalled: set beside no number of ours. */
      recalled: z.boolean(),
      reproduced: z.boolean(),
    }),
  ),
  /** What is said before training on this input. */
  warnings: z.array(z.string()),
  /** Why the method cannot run on this input with this preset. */
  refused: z.string().nullable(),
});
export type MethodShowAnswer = z.infer<typeof MethodShowAnswer>;
