import { type Dataset, planSplits, type Splits } from '@adctl/datasets';
import { type CommonHyperparameters, findMethod, type MethodCard, type Model } from '@adctl/methods';
import { disposeScalars, restoreWeights } from '@adctl/methods/kit';
import {
  AdctlError,
  type EngineFacts,
  type SelectionMetrics,
  type Sha256,
  type TrialSpec,
  toFailure,
} from '@adctl/protocol';
import { createGenerator, type RandomGenerator } from '@adctl/random';
import type { StartTrial, TrainerEnd, TrialOutcome } from '../trainer-messages.js';
import { writeArtifacts } from './artifacts/write-artifacts.js';
import { createCheckpointWriter, readCheckpoint, type TrainingState } from './checkpoint.js';
import { type Evaluation, evaluate, measureUntrained, openTestSet, type TestSet } from './evaluate.js';
import { type ImageSource, openImages, toReader } from './image-source.js';
import { defaultScoringBatch } from './scoring.js';
import { createSelectionSet, measureSelection, type SelectionSet } from './selection.js';
import type { TrialReporter } from './session.js';
import { type StopRequest, train } from './train.js';
import { selectionAt, startProgress } from './training-progress.js';

export interface TrialContext {
  readonly start: StartTrial;
  readonly engine: EngineFacts;
  /** Opens the data set of a spec, or hands out one that is open already. */
  readonly openDataset: (spec: TrialSpec) => Promise<Dataset>;
  /** Reads cached backbone weights by their digest. */
  readonly readWeights: (sha256: string) => Promise<Uint8Array>;
  /** Aborted with a `StopRequest` as its reason. */
  readonly stop: AbortSignal;
  readonly report: TrialReporter;
}

/** What a trial is made of once its spec is understood. */
interface Prepared {
  readonly card: MethodCard;
  readonly hyperparameters: CommonHyperparameters;
  readonly splits: Splits;
  readonly train: ImageSource;
  readonly calibration: ImageSource;
  readonly selection: SelectionSet;
  readonly test: TestSet;
  /** Images scored at once. */
  readonly scoringBatch: number;
}

/**
 * Trains and evaluates one trial in this process.
 *
 * 1. Understand the spec: method, hyperparameters, data, splits. What cannot work ends as `infeasible`.
 * 2. Build the model from the seed; restore the checkpoint, or let the model look at the training images and measure it
 *    untrained (report seeds only: it costs a pass over the test images, and only report trials feed the leaderboard).
 * 3. Train. A loss that is not finite ends as `diverged`.
 * 4. Put the kept epoch's weights back and let the model fit what it fits after training.
 * 5. Evaluate, write the artifacts.
 *
 * Everything it made on the device is gone when it returns.
 */
export async function runTrial(context: TrialContext): Promise<TrainerEnd> {
  const { start, report } = context;
  const startedAt = performance.now();
  report.progress({ stage: 'loading', epoch: 0, epochs: 0, step: 0, steps: 0, losses: {} });
  try {
    const refusal = findRefusal(start.spec);
    if (refusal !== null) return infeasible(refusal);
    const prepared = await prepare(context);
    const generator = createGenerator(start.spec.seed, 'training');
    let model: Model;
    try {
      model = await buildModel(context, prepared, generator);
    } catch (error) {
      if (error instanceof AdctlError && error.code === 'network_plan_invalid') return infeasible(error.message);
      throw error;
    }
    try {
      const fresh: TrainingState = {
        model,
        generator,
        progress: startProgress(context.engine.threads),
        keptWeights: null,
      };
      return await trainAndEvaluate(context, prepared, model, fresh, startedAt);
    } finally {
      model.dispose();
    }
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) };
  } finally {
    disposeScalars();
  }
}

async function trainAndEvaluate(
  context: TrialContext,
  prepared: Prepared,
  model: Model,
  fresh: TrainingState,
  startedAt: number,
): Promise<TrainerEnd> {
  const { start, engine, stop, report } = context;
  const { spec } = start;
  const { epochs, batchSize } = prepared.hyperparameters;
  const state = await resumeOrStart(context, fresh);
  const { progress } = state;
  const checkpoints = createCheckpointWriter({
    directory: start.directory,
    threads: engine.threads,
    resumedStep: start.resumeFrom?.step ?? null,
    written: report.checkpoint,
  });
  const secondsBefore = progress.seconds.total;
  const countTime = () => {
    progress.seconds.total = secondsBefore + (performance.now() - startedAt) / 1000;
  };
  const stopped = async (): Promise<TrainerEnd> => {
    countTime();
    if ((stop.reason as StopRequest).checkpoint) {
      await checkpoints.write(state);
    }
    return { kind: 'stopped' };
  };

  if (start.resumeFrom === undefined) await model.prepare?.(toReader(prepared.train));
  if (progress.step === 0 && spec.phase === 'report' && progress.untrainedAuroc === null) {
    progress.untrainedAuroc = await measureBeforeTraining(context, prepared, model);
    if (stop.aborted) return await stopped();
  }

  const end = await train({
    state,
    train: prepared.train,
    selection: prepared.selection,
    epochScore: prepared.card.epochScore,
    scoringBatch: prepared.scoringBatch,
    epochs,
    batchSize,
    dropLastBatch: prepared.card.dropLastBatch,
    checkpointRule: spec.checkpointRule,
    seed: spec.seed,
    checkpoints,
    checkpointSeconds: start.checkpointSeconds,
    stop,
    now: () => performance.now(),
    report,
    beforeCheckpoint: countTime,
  });
  countTime();
  if (end.kind === 'stopped') return { kind: 'stopped' };
  if (end.kind === 'diverged') return diverged(end.reason, end.epoch, progress.seconds);

  if (model.trainStep !== undefined) restoreWeights(state.keptWeights ?? missingWeights(spec), model);
  const fittedAt = performance.now();
  if (!(await fitModel(model, prepared, stop))) return await stopped();
  progress.seconds.train += (performance.now() - fittedAt) / 1000;
  const selection = await measureKept(model, prepared, state);
  if (selection === null) return diverged('scores of the selection split are not finite', epochs, progress.seconds);

  report.progress({
    stage: 'evaluating',
    epoch: epochs,
    epochs,
    step: progress.step,
    steps: progress.step,
    losses: {},
  });
  const evaluation = await evaluate({
    model,
    // The other scores are diagnostics of the report; each costs a pass over the test images.
    scoreNames: spec.phase === 'report' ? prepared.card.scores : prepared.card.scores.slice(0, 1),
    test: prepared.test,
    calibration: prepared.calibration,
    localises: spec.phase === 'report',
    batch: prepared.scoringBatch,
    seed: spec.seed,
    stop,
    now: () => performance.now(),
  });
  if (evaluation === null) return await stopped();
  const outcome = { ...describe(prepared, model, state, selection, evaluation), ...backboneUse(prepared, spec) };
  const artifacts = await writeArtifacts({
    directory: start.directory,
    spec,
    model,
    curves: progress.curves,
    threads: progress.threads,
    keptEpoch: progress.kept.keptEpoch,
    test: prepared.test,
    evaluation,
  });
  countTime();
  return { kind: 'finished', outcome: { ...outcome, seconds: { ...progress.seconds }, artifacts } };
}

/** Why the spec cannot work, or null. @throws AdctlError user `unknown_method`. */
function findRefusal(spec: TrialSpec): string | null {
  const card = findMethod(spec.method);
  const parsed = card.hyperparameters.safeParse(spec.hyperparameters);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => `${path.join('.') || spec.method}: ${message}`).join('; ');
  }
  return card.refuse?.(parsed.data, spec.dataset.input) ?? null;
}

async function prepare({ start: { spec }, openDataset }: TrialContext): Promise<Prepared> {
  const card = findMethod(spec.method);
  const hyperparameters = card.hyperparameters.parse(spec.hyperparameters);
  const dataset = await openDataset(spec);
  const splits = planSplits(dataset, spec.dataset);
  return {
    card,
    hyperparameters,
    scoringBatch: card.scoringBatch?.(hyperparameters, spec.dataset.input) ?? defaultScoringBatch(spec.dataset.input),
    splits,
    train: await openImages(dataset, splits.train),
    calibration: await openImages(dataset, splits.calibration),
    selection: await createSelectionSet(await openImages(dataset, splits.selection), spec.dataset.splitSeed),
    test: await openTestSet(dataset, splits.test),
  };
}

/** A model with the weights it has before its first step. */
async function buildModel(
  { start: { spec }, readWeights }: TrialContext,
  { card, hyperparameters }: Prepared,
  generator: RandomGenerator,
): Promise<Model> {
  const createModel = await card.load();
  const { seed } = spec;
  return await createModel(hyperparameters, { input: spec.dataset.input, seed, generator, readWeights });
}

/** Completes the model after the last step; false when stopped. */
async function fitModel(model: Model, { train, calibration }: Prepared, signal: AbortSignal): Promise<boolean> {
  if (model.fit === undefined) return true;
  try {
    await model.fit({ train: toReader(train), calibration: toReader(calibration), signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/**
 * Test AUROC of the model without training; null when stopped, or for a model whose only training is to fit. A model
 * that fits after training is fitted for this too, on a twin: what it learns here must not reach the training.
 */
async function measureBeforeTraining(context: TrialContext, prepared: Prepared, model: Model): Promise<number | null> {
  const { start, stop } = context;
  const measuring = { batch: prepared.scoringBatch, stop };
  if (model.fit === undefined) return await measureUntrained(model, prepared.test, measuring);
  if (model.trainStep === undefined) return null;
  const twin = await buildModel(context, prepared, createGenerator(start.spec.seed, 'training'));
  try {
    await twin.prepare?.(toReader(prepared.train));
    return (await fitModel(twin, prepared, stop)) ? await measureUntrained(twin, prepared.test, measuring) : null;
  } finally {
    twin.dispose();
  }
}

/**
 * What ranks the trial: the selection split under the kept weights. A model that fits after training is measured again,
 * by its own score; null when that is not finite.
 */
async function measureKept(
  model: Model,
  { selection, scoringBatch: batch }: Prepared,
  { progress: { curves, kept } }: TrainingState,
): Promise<SelectionMetrics | undefined | null> {
  if (model.fit !== undefined) return await measureSelection(model, selection, { batch });
  return kept.keptEpoch === null ? undefined : selectionAt(curves, kept.keptEpoch);
}

/**
 * The state to train from. A checkpoint of another thread count is used all the same: throwing hours away would not make
 * the numbers better. But they no longer repeat bit by bit, so the change is logged and written into the curves.
 */
async function resumeOrStart({ start, engine, report }: TrialContext, fresh: TrainingState): Promise<TrainingState> {
  const { resumeFrom } = start;
  if (resumeFrom === undefined) return fresh;
  const state = await readCheckpoint(resumeFrom.directory, fresh.model, fresh.generator);
  const { threads } = state.progress;
  if (threads.at(-1) !== engine.threads) {
    report.log(
      'warn',
      `The checkpoint was trained with ${threads.at(-1)} threads, this process has ${engine.threads}: the result will not repeat bit by bit.`,
    );
    threads.push(engine.threads);
  }
  report.log(
    'info',
    `Goes on after epoch ${resumeFrom.epoch}, step ${resumeFrom.step}, of attempt ${resumeFrom.attempt}.`,
  );
  return state;
}

function describe(
  { hyperparameters, splits, train: images }: Prepared,
  model: Model,
  { progress }: TrainingState,
  selection: SelectionMetrics | undefined,
  { test, otherScores, calibration, scoredPerSecond, localisation }: Evaluation,
): Omit<TrialOutcome, 'seconds' | 'artifacts'> {
  const { kept, untrainedAuroc, seconds } = progress;
  return {
    ending: { state: 'completed' },
    ...(selection === undefined ? {} : { selection }),
    ...(kept.keptEpoch === null ? {} : { keptEpoch: kept.keptEpoch }),
    test,
    ...(localisation === undefined ? {} : { pixel: localisation.metrics }),
    otherScores,
    calibration,
    ...(untrainedAuroc === null ? {} : { untrained: { auroc: untrainedAuroc } }),
    epochs: hyperparameters.epochs,
    steps: progress.step,
    parameters: Object.values(model.networks).reduce(
      (sum, { summary, origin }) => sum + (origin === null ? summary.trainable : 0),
      0,
    ),
    splitDigest: splits.digest,
    imagesPerSecond: (images.count * Math.max(hyperparameters.epochs, 1)) / Math.max(seconds.train, 1e-3),
    scoredPerSecond,
  };
}

/** Which backbone the model looked through: in every result, because numbers of a random one mean something else. */
function backboneUse({ card, hyperparameters }: Prepared, { seed }: TrialSpec): Pick<TrialOutcome, 'backbone'> {
  const choice = card.backbone?.(hyperparameters) ?? null;
  if (choice === null) return {};
  const { architecture, weights } = choice;
  return {
    backbone: weights === 'random' ? { architecture, weights, seed } : { architecture, weights: weights as Sha256 },
  };
}

function infeasible(reason: string): TrainerEnd {
  const outcome: TrialOutcome = {
    ending: { state: 'infeasible', reason },
    seconds: { train: 0, total: 0 },
    artifacts: [],
  };
  return { kind: 'finished', outcome };
}

function diverged(reason: string, epoch: number, seconds: TrialOutcome['seconds']): TrainerEnd {
  const outcome: TrialOutcome = {
    ending: { state: 'diverged', reason },
    epochs: epoch - 1,
    seconds: { ...seconds },
    artifacts: [],
  };
  return { kind: 'finished', outcome };
}

function missingWeights(spec: TrialSpec): never {
  throw new AdctlError(`Training of ${spec.trial} ended without an epoch to keep.`, {
    code: 'no_kept_epoch',
    kind: 'bug',
    details: { rule: spec.checkpointRule },
  });
}
