import { z } from 'zod';
import { InputShape } from './methods.js';

/** `adctl validate FILE`: the file is right. Mistakes are an error (exit 2) with all of them in `details.issues`. */
export const ValidateAnswer = z.object({
  file: z.string(),
  name: z.string(),
  methods: z.array(z.string()),
  /** What is legal but worth knowing before training. */
  warnings: z.array(z.string()),
});
export type ValidateAnswer = z.infer<typeof ValidateAnswer>;

const Range = z.object({ least: z.number(), most: z.number() });

/** One method of a plan; ranges are over its configurations (over the first thousand of a larger grid). */
export const PlannedMethod = z.object({
  method: z.string(),
  configurations: z.int(),
  /** Hyperparameters that vary, with how many values the looked-at configurations have. */
  varies: z.record(z.string(), z.int()),
  epochs: Range,
  /** Trainable scalars. */
  parameters: Range,
  searchTrials: z.int(),
  reportTrials: z.int(),
  /** Seconds of computing, from how long the same networks took in this folder; null without such trials. */
  estimate: z.object({ seconds: z.number(), basedOn: z.string() }).nullable(),
});
export type PlannedMethod = z.infer<typeof PlannedMethod>;

/** `adctl plan FILE` */
export const PlanAnswer = z.object({
  file: z.string(),
  name: z.string(),
  dataset: z.string(),
  protocol: z.string(),
  normal: z.array(z.string()),
  input: InputShape,
  preset: z.string(),
  objective: z.string(),
  /** Whether the data set's files are there; false means `adctl datasets fetch` comes first. */
  datasetReady: z.boolean(),
  seeds: z.object({ search: z.int(), report: z.int(), finalists: z.int() }),
  parallel: z.int(),
  methods: z.array(PlannedMethod),
  trials: z.object({ search: z.int(), report: z.int(), total: z.int() }),
  warnings: z.array(z.string()),
});
export type PlanAnswer = z.infer<typeof PlanAnswer>;
