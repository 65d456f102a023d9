import {
  ControllerStatus,
  type Leaderboard,
  type LeaderboardRow,
  type SeedSummary,
  type Sha256,
  SweepId,
  SweepSummary,
  TRIAL_STATES,
  TrialId,
  TrialProgress,
  type TrialState,
  TrialSummary,
} from '@adctl/protocol';
import type { z } from 'zod';

const AT = '2026-01-02T03:04:05.000Z';
export const DIGEST = 'ab'.repeat(32) as Sha256;

/** A sweep in its search phase; counts are given by state, the rest are zero. */
export function buildSweep(
  changes: Partial<Omit<z.input<typeof SweepSummary>, 'counts'>> & {
    counts?: Partial<Record<TrialState, number>>;
  } = {},
): SweepSummary {
  const { counts, ...rest } = changes;
  return SweepSummary.parse({
    version: 1,
    sweep: 'ocgan-mnist-1a2b3c4d',
    name: 'ocgan-mnist',
    owner: 'ada',
    state: 'search',
    priority: 'normal',
    parallel: 8,
    createdAt: AT,
    searchTrials: 8,
    expanded: 8,
    fresh: false,
    specDigest: DIGEST,
    methods: ['ocgan'],
    dataset: 'mnist',
    protocol: 'one-class',
    normal: ['1', '8'],
    reused: 0,
    ...rest,
    counts: { ...Object.fromEntries(TRIAL_STATES.map((state) => [state, 0])), ...counts },
  });
}

/** A running OCGAN search trial on digit 8. */
export function buildTrial(changes: Partial<z.input<typeof TrialSummary>> = {}): TrialSummary {
  return TrialSummary.parse({
    version: 1,
    sweep: 'ocgan-mnist-1a2b3c4d',
    trial: 't000003-9f8e7d6c',
    index: 3,
    phase: 'search',
    state: 'running',
    attempt: 1,
    generation: 0,
    failures: [],
    queuedAt: AT,
    startedAt: AT,
    method: 'ocgan',
    normal: '8',
    seed: 1234,
    hyperparameters: { learningRate: 0.001, lambdaRec: 10 },
    ...changes,
  });
}

/** Epoch 7 of 20. */
export function buildProgress(changes: Partial<z.input<typeof TrialProgress>> = {}): TrialProgress {
  return TrialProgress.parse({
    version: 1,
    sweep: 'ocgan-mnist-1a2b3c4d',
    trial: 't000003-9f8e7d6c',
    attempt: 1,
    worker: 'worker-1',
    stage: 'training',
    epoch: 7,
    epochs: 20,
    step: 280,
    steps: 800,
    imagesPerSecond: 5214.7,
    etaSeconds: 20.4,
    losses: { reconstruction: 0.021345, adversarial: 0.702 },
    ...changes,
  });
}

/** A mean over three seeds with its spread, or over fewer without. */
export function buildSummary(mean: number, seeds = 3): SeedSummary {
  return seeds < 3
    ? { mean, std: null, interval: null, seeds }
    : { mean, std: 0.0123, interval: [mean - 0.03, mean + 0.03], seeds };
}

/** A ranked row over the digits 1 and 8. */
export function buildRow(changes: Partial<LeaderboardRow> = {}): LeaderboardRow {
  const cell = (normal: string, mean: number) => ({
    normal,
    auroc: buildSummary(mean),
    averagePrecision: buildSummary(0.97),
    fprAt95Tpr: buildSummary(0.2),
    untrainedAuroc: buildSummary(0.55),
    pixelAuroc: null,
    pixelAveragePrecision: null,
    pro: null,
    published: { auroc: 0.939, source: 'paper, table 2', reproduced: false, difference: mean - 0.939 },
    publishedPixelAuroc: null,
    publishedPro: null,
  });
  return {
    rank: 1,
    unrankedReason: null,
    method: 'ocgan',
    configuration: 'c-0123456789ab',
    hyperparameters: { learningRate: 0.001, lambdaRec: 50 },
    backbone: null,
    sweeps: ['ocgan-mnist-1a2b3c4d'],
    seeds: [11, 12, 13],
    auroc: buildSummary(0.93),
    averagePrecision: buildSummary(0.98),
    fprAt95Tpr: buildSummary(0.15),
    untrainedAuroc: buildSummary(0.6),
    selectionAuroc: buildSummary(0.91),
    pixelAuroc: null,
    pixelAveragePrecision: null,
    pro: null,
    parameters: 123_456,
    trainedPerSecond: 950.25,
    scoredPerSecond: 4000,
    classes: [cell('1', 0.99), cell('8', 0.87)],
    configurationsTried: 4,
    searchSeconds: 400,
    reportSeconds: 300,
    endings: { completed: 14 },
    retried: {},
    failures: {},
    published: null,
    publishedPixelAuroc: null,
    publishedPro: null,
    codeVersions: [DIGEST],
    olderTrials: 0,
    engines: [{ tensorflow: '2.21.0', gpu: false, threads: 1 }],
    ...changes,
  };
}

/** One group: MNIST one-class, digits 1 and 8. */
export function buildLeaderboard(rows: LeaderboardRow[] = [buildRow()]): Leaderboard {
  const group = {
    dataset: 'mnist',
    dataDigest: DIGEST,
    protocol: 'one-class',
    splitSeed: 0,
    classes: ['1', '8'],
    rows,
  };
  return { version: 1, groups: [group] };
}

export const SWEEP = SweepId.parse('ocgan-mnist-1a2b3c4d');
export const TRIAL = TrialId.parse('t000003-9f8e7d6c');

/** A controller of this folder, process 7, with one worker. */
export function buildStatus({
  class: name,
  slots,
  threads,
}: {
  readonly class: string;
  readonly slots: number;
  /** Default: its engine is not loaded yet. */
  readonly threads?: number;
}): ControllerStatus {
  const engine = { backend: 'tensorflow', tensorflow: '2.21.0', gpu: false, node: '24.21.0', platform: 'linux' };
  const worker = { version: 1, worker: 'w-1', at: AT, class: name, slots, busy: [], state: 'ready', codeVersion: 'c' };
  return ControllerStatus.parse({
    version: 1,
    adctl: '0.1.0',
    pid: 7,
    startedAt: AT,
    deployment: 'embedded',
    workers: [
      { ...worker, secondsSinceHeartbeat: 1, ...(threads === undefined ? {} : { engine: { ...engine, threads } }) },
    ],
    slots,
    activeSweeps: 0,
    illegalTransitions: 0,
  });
}
