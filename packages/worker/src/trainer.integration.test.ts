import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sha256, sha256, type TrialSpec } from '@adctl/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REAL_TRAINER, toyFolderSpec, writeToyFolder } from './testing/toy-folder.fixtures.js';
import { createTrainer, type Trainer, type TrainerEvent, type TrainerRunEnd } from './trainer.js';
import type { LocalCheckpoint, TrainerHealth, TrialOutcome } from './trainer-messages.js';

let root: string;
let trainer: Trainer;
let runs = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'adctl-trainer-'));
  await writeToyFolder(join(root, 'images'));
  trainer = createTrainer(REAL_TRAINER, pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' }));
});
afterAll(async () => {
  await trainer.close();
  rmSync(root, { recursive: true });
});

const DAE = { epochs: 4, batchSize: 16, noise: 'gauss', latentSize: 8 };
const OCGAN = {
  epochs: 4,
  batchSize: 16,
  encoderWidth: 4,
  classifierWidth: 4,
  visualWidth: 3,
  mineStartFraction: 0.5,
  mineSteps: 2,
};
const METHODS = [
  ['dae', DAE],
  ['ocgan', OCGAN],
] as const;

const specOf = (method: string, hyperparameters: Record<string, unknown>, changes: Partial<TrialSpec> = {}) =>
  toyFolderSpec({ root: join(root, 'images'), method, hyperparameters, changes });

interface Run {
  readonly directory: string;
  readonly end: TrainerRunEnd;
  readonly events: readonly TrainerEvent[];
}

/** Runs a trial, doing something at each of its events. */
async function run(
  spec: TrialSpec,
  options: { resumeFrom?: LocalCheckpoint; checkpointSeconds?: number; onEvent?: (event: TrainerEvent) => void } = {},
): Promise<Run> {
  const { resumeFrom, checkpointSeconds = 3600, onEvent } = options;
  const directory = join(root, `attempt-${++runs}`);
  mkdirSync(directory);
  await trainer.ready();
  const events: TrainerEvent[] = [];
  const start = { type: 'start', spec, attempt: runs, directory, checkpointSeconds } as const;
  const end = await trainer.run(resumeFrom === undefined ? start : { ...start, resumeFrom }, (event) => {
    events.push(event);
    onEvent?.(event);
  });
  return { directory, end, events };
}

/** Everything about a finished run that may not depend on interruptions: numbers and file contents, without times. */
function factsOf({ directory, end }: Run): { outcome: object; files: Record<string, Sha256> } {
  if (end.kind !== 'ended' || end.end.kind !== 'finished') throw new Error(`not finished: ${JSON.stringify(end)}`);
  const { seconds: _, imagesPerSecond: __, scoredPerSecond: ___, artifacts, ...outcome } = end.end.outcome;
  const files = Object.fromEntries(artifacts.map(({ file }) => [file, sha256(readFileSync(join(directory, file)))]));
  return { outcome, files };
}

const outcomeOf = ({ end }: Run): TrialOutcome => {
  if (end.kind !== 'ended' || end.end.kind !== 'finished') throw new Error(`not finished: ${JSON.stringify(end)}`);
  return end.end.outcome;
};

/** The last checkpoint a run announced, saved from being replaced. */
function lastCheckpoint({ events }: Run): LocalCheckpoint {
  const found = events.filter((event) => event.type === 'checkpoint').at(-1);
  if (found === undefined) throw new Error('no checkpoint was written');
  const { directory, epoch, step, threads } = found.checkpoint;
  const copy = join(root, `checkpoint-${++runs}`);
  cpSync(directory, copy, { recursive: true });
  return { directory: copy, attempt: 1, epoch, step, threads };
}

const batchOf = ({ directory }: LocalCheckpoint) =>
  (JSON.parse(readFileSync(join(directory, 'progress.json'), 'utf8')) as { batch: number }).batch;

describe.each(METHODS)('a trial of %s', (method, hyperparameters) => {
  let spec: TrialSpec;
  let undisturbed: ReturnType<typeof factsOf>;
  beforeAll(async () => {
    spec = await specOf(method, hyperparameters);
    undisturbed = factsOf(await run(spec));
  });

  test('gives the same bits again in the same warm process', async () => {
    expect(factsOf(await run(spec))).toEqual(undisturbed);
  });

  test('killed in mid-training goes on from its checkpoint to the same bits', async () => {
    const killed = await run(spec, {
      checkpointSeconds: 0,
      onEvent: (event) => {
        if (event.type === 'checkpoint' && event.checkpoint.epoch === 2) process.kill(trainer.pid()!, 'SIGKILL');
      },
    });
    const resumed = await run(spec, { resumeFrom: lastCheckpoint(killed) });

    expect(killed.end).toMatchObject({ kind: 'died', exit: { signal: 'SIGKILL' } });
    expect(resumed.events.filter(({ type }) => type === 'epoch').length).toBeLessThanOrEqual(2);
    expect(factsOf(resumed)).toEqual(undisturbed);
  });

  test('stopped inside an epoch goes on at the next batch to the same bits', async () => {
    const stopped = await run(spec, {
      onEvent: (event) => {
        if (event.type === 'epoch' && event.epoch === 1) trainer.stop(true);
      },
    });
    const checkpoint = lastCheckpoint(stopped);
    const resumed = await run(spec, { resumeFrom: checkpoint });

    expect(stopped.end).toMatchObject({ kind: 'ended', end: { kind: 'stopped' } });
    expect(checkpoint.epoch).toBeGreaterThanOrEqual(1);
    expect(batchOf(checkpoint) + checkpoint.step).toBeGreaterThan(0);
    expect(factsOf(resumed)).toEqual(undisturbed);
  });

  test('leaves no tensor behind: the process is used again', async () => {
    const pid = trainer.pid();

    await run(spec);

    expect(trainer.pid()).toBe(pid);
  });
});

/** V8's heap and the C library's take some trials to reach their size. */
const SETTLING_TRIALS = 8;

test('twenty trials in one warm process leave the number of tensors and the memory flat', async () => {
  const spec = await specOf('dae', { ...DAE, epochs: 2 });
  await trainer.ready();
  const pid = trainer.pid();
  const healths: TrainerHealth[] = [];
  for (let i = 0; i < SETTLING_TRIALS + 20; i++) {
    await run(spec);
    healths.push(trainer.health()!);
  }
  const medianRss = (from: number, to: number) => {
    const sorted = healths
      .slice(from - 1, to)
      .map(({ rssBytes }) => rssBytes)
      .sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  };

  expect(trainer.pid()).toBe(pid);
  expect(new Set(healths.map(({ tensors }) => tensors)).size).toBe(1);
  expect(medianRss(16, 20) / medianRss(1, 5)).toBeLessThan(1.05);
});

describe('a trial', () => {
  test('reports every number and file of a completed trial', async () => {
    const outcome = outcomeOf(await run(await specOf('dae', DAE)));

    expect(outcome.ending).toEqual({ state: 'completed' });
    expect(outcome.test?.auroc).toBeGreaterThan(0);
    expect(outcome.untrained?.auroc).toBeGreaterThan(0);
    expect(outcome.calibration?.images).toBe(13); // a tenth of the 128 normal training images
    expect(outcome.artifacts.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['curves', 'roc', 'histogram', 'sheet', 'scores', 'model']),
    );
  });

  test('of the search phase leaves out the untrained model and the diagnostic scores', async () => {
    const searched = outcomeOf(await run(await specOf('dae', DAE, { phase: 'search' })));
    const reported = outcomeOf(await run(await specOf('dae', DAE)));

    expect(searched.untrained).toBeUndefined();
    expect(searched.otherScores).toEqual({});
    expect(Object.keys(reported.otherScores ?? {})).toEqual(['max', 'top1%']);
    expect(searched.test).toEqual(reported.test);
  });

  test('whose learning rate explodes ends as diverged, naming the epoch', async () => {
    const spec = await specOf('dae', { ...DAE, outputActivation: 'linear', learningRate: 1e18 });

    const { ending } = outcomeOf(await run(spec));

    expect(ending.state).toBe('diverged');
    expect(ending.reason).toMatch(/is not finite in epoch 1/);
  });

  test('with hyperparameters its method refuses ends as infeasible', async () => {
    const spec = await specOf('dae', DAE);

    const { ending } = outcomeOf(await run({ ...spec, hyperparameters: { ...spec.hyperparameters, latentSize: -1 } }));

    expect(ending.state).toBe('infeasible');
    expect(ending.reason).toContain('latentSize');
  });

  test('whose images changed since planning fails, naming both digests', async () => {
    const spec = await specOf('dae', DAE);
    const other = { ...spec.dataset, digest: sha256('other') };

    const { end } = await run({ ...spec, dataset: other });

    expect(end).toMatchObject({ kind: 'ended', end: { kind: 'failed', failure: { code: 'dataset_changed' } } });
  });

  test('whose images were changed after another one of the process read them fails, and trains once they are back', async () => {
    const images = join(root, 'changing');
    await writeToyFolder(images);
    const spec = await toyFolderSpec({ root: images, method: 'dae', hyperparameters: { ...DAE, epochs: 1 } });
    const before = factsOf(await run(spec));
    const [file, other] = [join(images, 'f', '0000.png'), join(images, 'f', '0001.png')];
    const original = readFileSync(file);

    writeFileSync(file, readFileSync(other));
    const { end } = await run(spec);
    writeFileSync(file, original);

    expect(end).toMatchObject({ kind: 'ended', end: { kind: 'failed', failure: { code: 'dataset_changed' } } });
    expect(factsOf(await run(spec))).toEqual(before);
  });

  test('resumed with another number of threads goes on, and the curves say so', async () => {
    const spec = await specOf('dae', DAE);
    const first = await run(spec, {
      checkpointSeconds: 0,
      onEvent: (event) => {
        if (event.type === 'epoch' && event.epoch === 1) trainer.stop(true);
      },
    });
    const two = createTrainer({ ...REAL_TRAINER, threads: 2 }, pino({ level: 'silent' }));
    const directory = join(root, 'two-threads');
    mkdirSync(directory);

    await two.ready();
    const logged: TrainerEvent[] = [];
    const start = { type: 'start', spec, attempt: 2, directory, checkpointSeconds: 3600 } as const;
    const end = await two.run({ ...start, resumeFrom: lastCheckpoint(first) }, (event) => logged.push(event));
    await two.close();

    expect(end).toMatchObject({ kind: 'ended', end: { kind: 'finished' } });
    expect(JSON.parse(readFileSync(join(directory, 'curves.json'), 'utf8'))).toMatchObject({ threads: [1, 2] });
    expect(logged).toContainEqual(expect.objectContaining({ type: 'log', level: 'warn' }));
  });
});
