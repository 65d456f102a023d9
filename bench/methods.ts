/**
 * Every method's `quick` preset on toy images: milliseconds and operations of a training step, milliseconds to score an image,
 * and the ratio of scoring to training per image, in one run on one thread or one GPU.
 *
 *   node bench/methods.ts [--methods dae,smai] [--inputs 28x28x1,64x64x3] [--steps 8] [--flavour cpu|gpu]
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { resolveCacheDir } from '@adctl/datasets';
import { Flavour, loadEngine } from '@adctl/engine';
import { type ImageReader, type ImageShape, METHODS, type MethodCard, resolveHyperparameters } from '@adctl/methods';
import { gatherImages, planEpoch, prepareEngine } from '@adctl/methods/kit';
import { createGenerator } from '@adctl/random';
import { createToyImages } from '@adctl/testkit';

const { values: flags } = parseArgs({
  options: {
    methods: { type: 'string', default: METHODS.map(({ name }) => name).join(',') },
    inputs: { type: 'string', default: '28x28x1,64x64x3' },
    steps: { type: 'string', default: '8' },
    flavour: { type: 'string', default: 'cpu' },
  },
});

/** Images that are trained on; small, since methods that fit look at all of them. */
const TRAINING_IMAGES = 128;
const CALIBRATION_IMAGES = 16;
/** Images scored at once, unless the card asks for fewer. */
const SCORED = 32;

const flavour = Flavour.parse(flags.flavour);
const { tf, info } = await loadEngine({ flavour, threads: 1, cacheDir: resolveCacheDir(process.env, os.homedir()) });
prepareEngine();

interface Row {
  readonly stepMs: number | null;
  readonly ops: number | null;
  readonly trainedMs: number | null;
  readonly scoredMs: number;
}

/** Native operations that a call dispatches. */
async function countOps(run: () => void): Promise<number> {
  const { kernels } = await tf.profile(() => {
    run();
    return [];
  });
  return kernels.length;
}

/** @returns null where the preset does not take images of this size. */
async function measure(card: MethodCard, input: ImageShape): Promise<Row | null> {
  const { hyperparameters } = resolveHyperparameters(card, { preset: 'quick', input, overrides: {} });
  if (hyperparameters === undefined) return null;
  const batchSize = Math.min(hyperparameters.batchSize, TRAINING_IMAGES / 2);
  const generator = createGenerator(1, 'training');
  const createModel = await card.load();
  const model = await createModel({ ...hyperparameters, batchSize }, { input, seed: 1, generator });
  const reader = (count: number, seed: number): ImageReader => {
    const images = createToyImages({ shape: input, count, seed, kind: 'normal' });
    return { count, shape: input, read: async (positions) => gatherImages(images, positions) };
  };
  const train = reader(TRAINING_IMAGES, 1);
  await model.prepare?.(train);
  const batches = planEpoch({ count: TRAINING_IMAGES, batchSize, seed: 1, epoch: 1, dropLastBatch: true });
  const { trainStep } = model;
  const times: number[] = [];
  let ops: number | null = null;
  if (trainStep !== undefined) {
    for (let step = 0; step <= Number(flags.steps); step++) {
      const positions = batches[step % batches.length]!;
      const images = await train.read(positions);
      const run = () => {
        const terms = Object.values(trainStep.call(model, images, { epoch: hyperparameters.epochs, step, positions }));
        for (const term of terms) term.dataSync(); // the step is over when its losses are known
        tf.dispose(terms);
      };
      if (step === 1) ops = await countOps(run);
      else {
        const start = performance.now();
        run();
        if (step > 1) times.push(performance.now() - start);
      }
      images.dispose();
    }
  }
  const signal = new AbortController().signal;
  await model.fit?.({ train, calibration: reader(CALIBRATION_IMAGES, 2), signal });
  const count = Math.min(SCORED, card.scoringBatch?.(hyperparameters, input) ?? SCORED);
  const images = await reader(count, 3).read(Int32Array.from({ length: count }, (_, i) => i));
  const scored: number[] = [];
  for (let repeat = 0; repeat < 3; repeat++) {
    const start = performance.now();
    const scores = model.score(images);
    scores.dataSync();
    scores.dispose();
    scored.push((performance.now() - start) / count);
  }
  images.dispose();
  model.dispose();
  const stepMs = times.length === 0 ? null : median(times);
  return { stepMs, ops, trainedMs: stepMs === null ? null : stepMs / batchSize, scoredMs: median(scored.slice(1)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

const text = (value: number | null, digits = 3) =>
  value === null ? '-' : Number(value.toPrecision(digits)).toString();

console.log(
  `machine: ${os.cpus()[0]?.model}, ${os.availableParallelism()} cores, ${info.isUsingGpu ? 'GPU' : '1 thread'}, node ${process.version}\n`,
);
console.log('| method | input | step ms | ops a step | trained ms/image | scored ms/image | scored : trained |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const name of flags.methods.split(',')) {
  const card = METHODS.find((one) => one.name === name);
  if (card === undefined) throw new Error(`there is no method '${name}'`);
  for (const size of flags.inputs.split(',')) {
    const [height, width, channels] = size.split('x').map(Number) as [number, number, number];
    const row = await measure(card, { height, width, channels });
    if (row === null) continue;
    const { stepMs, ops, trainedMs, scoredMs } = row;
    const ratio = trainedMs === null ? null : scoredMs / trainedMs;
    console.log(
      `| ${name} | ${size} | ${text(stepMs)} | ${text(ops, 6)} | ${text(trainedMs)} | ${text(scoredMs)} | ${text(ratio, 2)} |`,
    );
  }
}
