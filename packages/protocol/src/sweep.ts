import { z } from 'zod';
import { Duration } from './duration.js';
import { Exclude, HyperparameterName, HyperparameterValue, SearchSpace, Zip } from './search-space.js';

/**
 * The sweep file (design section 9) as data. `SingleMethodFile` and `SeveralMethodsFile` are what people write,
 * `Sweep` is what everything else works with: one form, every default filled in.
 */

/** Defaults of a sweep file and where each comes from. */
export const SWEEP_DEFAULTS = {
  /** Our decision: any fixed number makes the splits repeatable. */
  splitSeed: 0,
  /** The DAE spec holds out 10 % of the normal training images; we give selection and calibration as much each. */
  holdout: { selection: 0.1, calibration: 0.1 },
  /** Our decision: any fixed number makes the sampler and the drawn seeds repeatable. */
  searchSeed: 0,
  /** The specs' presets; `default` is the one a method's card recommends. */
  preset: 'default',
  /** Design section 8: one seed ranks, one finalist per method; three report seeds are the fewest that get a ±. */
  seeds: { search: 1, report: 3, finalists: 1 },
  /** Design section 8: ranking sees the selection split only. */
  objectiveMetric: 'selection.auroc',
  /** Our decision: a sweep that does not care runs where everything runs. */
  pool: 'default',
  /** Our decision: far above any hand-written grid, far below an accident. */
  maxTrials: 1000,
  /** Design section 9's example. */
  parallel: 8,
  /** Our decision: longer than the longest paper preset on one GPU. */
  trialTimeout: '24h',
  /** Our decision: attempts whose failure counts; preemption and lost nodes do not. */
  maxAttempts: 3,
} as const;

const MethodName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be a method id such as ocgan')
  .meta({ description: 'Id of a method; `adctl methods list` prints them.' });

const ClassName = z
  .union([z.string().min(1), z.int()], { error: 'must be the name of a class' })
  .transform(String)
  .meta({ description: 'Name of a class of the data set.' });

const fraction = z.number().gt(0).lt(0.5);

const DatasetSection = z
  .strictObject({
    name: z.string().min(1).meta({ description: 'Data set id; `adctl datasets list` prints them.' }),
    protocol: z.string().min(1).meta({ description: 'How images become splits: one-class, leave-one-out, mvtec, …' }),
    normal: z
      .union([z.literal('each'), z.array(ClassName).min(1)], {
        error: "must be a list of classes, e.g. [8, 1], or 'each'",
      })
      .meta({
        description: "Classes (or categories) that count as normal, one model each; 'each' takes every one in turn.",
      }),
    root: z.string().min(1).optional().meta({
      description:
        'Folder of the images, relative to the sweep file; or shared:DIGEST, as `adctl datasets share` prints it.',
    }),
    image: z
      .strictObject({
        height: z.int().min(1).max(4096),
        width: z.int().min(1).max(4096),
        channels: z.int().min(1).max(4),
      })
      .optional()
      .meta({ description: "Image size the models see. Default: the data set's own." }),
    splitSeed: z
      .int()
      .default(SWEEP_DEFAULTS.splitSeed)
      .meta({ description: 'Seed of the splits, the same for all trials.' }),
    holdout: z
      .strictObject({
        selection: fraction
          .default(SWEEP_DEFAULTS.holdout.selection)
          .meta({ description: 'Share of the normal training images that ranking and stopping see.' }),
        calibration: fraction
          .default(SWEEP_DEFAULTS.holdout.calibration)
          .meta({ description: 'Share of the normal training images that thresholds come from.' }),
      })
      .prefault({})
      .meta({ description: 'Normal training images kept out of training.' }),
  })
  .meta({ description: 'Which images, and how they are split.' });

const searchSeed = z.int().default(SWEEP_DEFAULTS.searchSeed).meta({
  description: 'Seed of the sweep: trial seeds and random samples are drawn from it.',
});
const samples = z.int().min(1).max(1_000_000).meta({ description: 'Configurations drawn for each method.' });

/** The search section, given what stands at its three places that name hyperparameters. */
const searchSection = <S extends z.ZodType, P extends z.ZodType, X extends z.ZodType>(space: S, zip: P, exclude: X) =>
  z
    .discriminatedUnion('algorithm', [
      z.strictObject({
        algorithm: z.literal('grid').meta({ description: 'Every point of the space, in order.' }),
        seed: searchSeed,
        space,
        zip,
        exclude,
      }),
      z.strictObject({
        algorithm: z.literal('random').meta({ description: 'Points drawn at random.' }),
        samples,
        seed: searchSeed,
        space,
        zip,
        exclude,
      }),
    ])
    .meta({ description: 'What to try. Without it: one configuration a method, its preset.' });

/** As written; `toCheckpointChoice` reads it. */
export const CHECKPOINT_PATTERN = /^(?:last|best\(selection\.(?:auroc|loss)\)|epoch [1-9][0-9]{0,5})$/;

const Checkpoint = z
  .string()
  .regex(CHECKPOINT_PATTERN, 'must be last, best(selection.auroc), best(selection.loss) or epoch N')
  .optional()
  .meta({
    description:
      "Which epoch's weights a trial keeps: last, best(selection.auroc), best(selection.loss) or epoch N. Default: the method card's rule.",
    examples: ['last', 'best(selection.auroc)', 'best(selection.loss)', 'epoch 20'],
  });

const FixedHyperparameters = z
  .record(HyperparameterName, HyperparameterValue)
  .meta({ description: 'Hyperparameters fixed for every trial, over the preset.' });

const trainSection = <H extends z.ZodType>(hyperparameters: H) =>
  z
    .strictObject({
      preset: z
        .enum(['paper', 'default', 'quick'])
        .default(SWEEP_DEFAULTS.preset)
        .meta({ description: "The method card's set of hyperparameters to start from." }),
      hyperparameters,
      checkpoint: Checkpoint,
    })
    .meta({ description: 'How each trial trains.' });

const count = (fallback: number, description: string, least = 1) =>
  z.int().min(least).max(1_000_000).default(fallback).meta({ description });

const SeedsSection = z
  .strictObject({
    search: count(
      SWEEP_DEFAULTS.seeds.search,
      'Seeds that rank each configuration; 0 where there is nothing to choose: every configuration is reported.',
      0,
    ),
    report: count(SWEEP_DEFAULTS.seeds.report, 'Fresh seeds that retrain the finalists; below 3 no ± is shown.'),
    finalists: count(SWEEP_DEFAULTS.seeds.finalists, 'Configurations of each method that are retrained.'),
  })
  .prefault({})
  .meta({ description: 'Two phases: search seeds rank, report seeds alone feed the leaderboard.' });

const ObjectiveSection = z
  .strictObject({
    metric: z
      .enum(['selection.auroc', 'selection.loss'])
      .default(SWEEP_DEFAULTS.objectiveMetric)
      .meta({ description: 'What ranks configurations; never a test metric.' }),
    goal: z
      .enum(['maximize', 'minimize'])
      .optional()
      .meta({ description: 'selection.auroc is maximized, selection.loss minimized.' }),
  })
  .prefault({})
  .meta({ description: 'What the search is after.' });

const ResourcesSection = z
  .strictObject({
    pool: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be a pool name: lower-case letters, digits and dashes')
      .default(SWEEP_DEFAULTS.pool)
      .meta({
        description: 'Pool of workers that runs the trials; an embedded deployment has one pool and ignores it.',
      }),
  })
  .prefault({})
  .meta({ description: 'Where trials run.' });

const LimitsSection = z
  .strictObject({
    maxTrials: count(SWEEP_DEFAULTS.maxTrials, 'A plan with more trials, search and report together, is refused.'),
    parallel: count(SWEEP_DEFAULTS.parallel, 'Most trials in flight at once.'),
    trialTimeout: Duration.default(SWEEP_DEFAULTS.trialTimeout).meta({
      description: 'Wall time after which an attempt is ended, e.g. 2h or 90s.',
    }),
    maxAttempts: z
      .int()
      .min(1)
      .max(100)
      .default(SWEEP_DEFAULTS.maxAttempts)
      .meta({ description: 'Attempts of a trial whose failure counts; interruptions do not.' }),
  })
  .prefault({})
  .meta({ description: 'Where a sweep must stop.' });

const common = {
  apiVersion: z.literal('adctl/v1').meta({ description: 'Version of this format.' }),
  kind: z.literal('Sweep').meta({ description: 'What the file is.' }),
  name: z
    .string()
    .max(63)
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes')
    .meta({ description: 'Name of the sweep; part of its id.' }),
  dataset: DatasetSection,
  seeds: SeedsSection,
  objective: ObjectiveSection,
  resources: ResourcesSection,
  limits: LimitsSection,
};

const blockPerMethod = <B extends z.ZodType>(block: B) =>
  z.record(MethodName, block).prefault({}).meta({ description: 'One block per method of `methods`.' });

/** A file with `method: ocgan`: names of hyperparameters stand directly in the sections. */
export const SingleMethodFile = z.strictObject({
  ...common,
  method: MethodName,
  search: searchSection(SearchSpace.prefault({}), Zip.default([]), Exclude.default([])).prefault({ algorithm: 'grid' }),
  train: trainSection(FixedHyperparameters.prefault({})).prefault({}),
});
export type SingleMethodFile = z.output<typeof SingleMethodFile>;

/** A file with `methods: [ocgan, dae]`: every place that names hyperparameters has one block per method. */
export const SeveralMethodsFile = z.strictObject({
  ...common,
  methods: z.array(MethodName).min(1).meta({ description: 'Methods to compare.' }),
  search: searchSection(blockPerMethod(SearchSpace), blockPerMethod(Zip), blockPerMethod(Exclude)).prefault({
    algorithm: 'grid',
  }),
  train: trainSection(blockPerMethod(FixedHyperparameters)).prefault({}),
});
export type SeveralMethodsFile = z.output<typeof SeveralMethodsFile>;

/** The checkpoint rule a file asks for; a card's burn-in is added by `resolveCheckpointRule`. */
export const CheckpointChoice = z.discriminatedUnion('rule', [
  z.object({ rule: z.literal('last') }),
  z.object({ rule: z.literal('epoch'), epoch: z.int().min(1) }),
  z.object({ rule: z.literal('best'), metric: z.enum(['selection.auroc', 'selection.loss']) }),
]);
export type CheckpointChoice = z.infer<typeof CheckpointChoice>;

/** A sweep with every default filled in: what `parseSweep` returns and what is frozen at submission. */
export const Sweep = z.object({
  apiVersion: z.literal('adctl/v1'),
  kind: z.literal('Sweep'),
  name: z.string(),
  /** At least one, each once, in the file's order. */
  methods: z.array(z.string()).min(1),
  dataset: z.object({
    name: z.string(),
    protocol: z.string(),
    /** 'each' until the data set's classes are known; otherwise each class once. */
    normal: z.union([z.literal('each'), z.array(z.string()).min(1)]),
    root: z.string().optional(),
    image: z.object({ height: z.int(), width: z.int(), channels: z.int() }).optional(),
    splitSeed: z.int(),
    holdout: z.object({ selection: z.number(), calibration: z.number() }),
  }),
  search: z.object({
    algorithm: z.enum(['grid', 'random']),
    /** Configurations drawn for each method; present exactly when the algorithm is random. */
    samples: z.int().optional(),
    /** Seed of the sweep. */
    seed: z.int(),
    /** What is tried, by method; every method has an entry. */
    spaces: z.record(z.string(), z.object({ space: SearchSpace, zip: Zip, exclude: Exclude })),
  }),
  train: z.object({
    preset: z.enum(['paper', 'default', 'quick']),
    /** Fixed hyperparameters by method; every method has an entry. */
    hyperparameters: z.record(z.string(), z.record(z.string(), HyperparameterValue)),
    /** Absent: the card's own rule. */
    checkpoint: CheckpointChoice.optional(),
  }),
  seeds: z.object({ search: z.int(), report: z.int(), finalists: z.int() }),
  objective: z.object({
    metric: z.enum(['selection.auroc', 'selection.loss']),
    goal: z.enum(['maximize', 'minimize']),
  }),
  resources: z.object({ pool: z.string() }),
  limits: z.object({
    maxTrials: z.int(),
    parallel: z.int(),
    trialTimeoutMs: z.int(),
    maxAttempts: z.int(),
  }),
});
export type Sweep = z.infer<typeof Sweep>;

/** What ranks configurations, and in which direction. */
export type Objective = Sweep['objective'];
