import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { openDataset, resolveCacheDir } from '@adctl/datasets';
import { parseEngineEnvironment } from '@adctl/engine';
import { findMethod } from '@adctl/methods';
import { SweepId, sha256, TrialId, TrialSpec } from '@adctl/protocol';
import { createToyImages } from '@adctl/testkit';
import sharp from 'sharp';
import type { TrainerConfig } from '../config.js';

const SHAPE = { height: 28, width: 28, channels: 1 };

/** A training process with real TensorFlow on one thread. */
export const REAL_TRAINER: TrainerConfig = {
  kind: 'tensorflow',
  flavour: 'cpu',
  threads: 1,
  cacheDirectory: resolveCacheDir(process.env, homedir()),
  engineCacheDirectory: parseEngineEnvironment(process.env).cacheDir,
  recycleTrials: 1000,
  recycleRssBytes: 8 * 2 ** 30,
};

/** Writes toy images as a folder data set: class `f` (normal) and class `other`. */
export async function writeToyFolder(root: string, normal = 160, anomalous = 60): Promise<void> {
  for (const [name, kind, count] of [
    ['f', 'normal', normal],
    ['other', 'anomalous', anomalous],
  ] as const) {
    const directory = join(root, name);
    mkdirSync(directory, { recursive: true });
    const { pixels } = createToyImages({ shape: SHAPE, count, seed: 5, kind });
    const size = SHAPE.height * SHAPE.width;
    for (let i = 0; i < count; i++) {
      const image = sharp(pixels.subarray(i * size, (i + 1) * size), { raw: { ...SHAPE, channels: 1 } });
      await image.png().toFile(join(directory, `${String(i).padStart(4, '0')}.png`));
    }
  }
}

export interface ToySpecOptions {
  readonly root: string;
  readonly method: string;
  readonly hyperparameters: Record<string, unknown>;
  readonly changes?: Partial<TrialSpec>;
}

/** The spec of a trial on a toy folder, as a controller would plan it. */
export async function toyFolderSpec({ root, method, hyperparameters, changes }: ToySpecOptions): Promise<TrialSpec> {
  const card = findMethod(method);
  const resolved = card.hyperparameters.parse({ ...card.presets.quick(SHAPE), ...hyperparameters });
  const cacheDir = REAL_TRAINER.cacheDirectory;
  const dataset = await openDataset({ name: 'folder', root, input: SHAPE }, { cacheDir });
  return TrialSpec.parse({
    version: 1,
    sweep: SweepId.parse('toy-00000000'),
    trial: TrialId.parse('t000000-00000000'),
    index: 0,
    phase: 'report',
    method,
    hyperparameters: resolved,
    configuration: 'c-000000000000',
    dataset: {
      name: 'folder',
      root,
      protocol: 'one-class',
      normal: 'f',
      splitSeed: 3,
      selectionFraction: 0.1,
      calibrationFraction: 0.1,
      digest: dataset.digest,
      input: SHAPE,
    },
    seed: 11,
    checkpointRule: card.checkpointRule(resolved),
    timeoutMs: 600_000,
    codeVersion: sha256('code'),
    identity: sha256('identity'),
    ...changes,
  });
}
