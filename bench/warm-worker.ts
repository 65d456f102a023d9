/**
 * Twenty trainings in one warm training process: tensors, memory and time of each. Flat columns mean that a process may
 * serve as long as its trials ask for. The integration test of the worker asserts the same on toy images.
 *
 *   node bench/warm-worker.ts [METHOD] [TRIALS]        needs MNIST in the cache (adctl datasets fetch mnist)
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { openDataset, resolveCacheDir } from '@adctl/datasets';
import { findMethod } from '@adctl/methods';
import { sha256, TrialSpec } from '@adctl/protocol';
import { createTrainer, type TrainerHealth } from '@adctl/worker';
import { pino } from 'pino';

const [method = 'ocgan', count = '20'] = process.argv.slice(2);
const cacheDir = resolveCacheDir(process.env, os.homedir());
const input = { height: 28, width: 28, channels: 1 };

async function toySpec(): Promise<TrialSpec> {
  const card = findMethod(method);
  const hyperparameters = card.hyperparameters.parse({ ...card.presets.quick(input), epochs: 1 });
  const dataset = await openDataset({ name: 'mnist', input }, { cacheDir });
  return TrialSpec.parse({
    version: 1,
    sweep: 'warm-00000000',
    trial: 't000000-00000000',
    index: 0,
    phase: 'report',
    method,
    hyperparameters,
    configuration: 'c-000000000000',
    dataset: {
      ...{ name: 'mnist', protocol: 'one-class', normal: '8', splitSeed: 0, digest: dataset.digest, input },
      ...{ selectionFraction: 0.05, calibrationFraction: 0.05 },
    },
    seed: 1,
    checkpointRule: { rule: 'last' },
    timeoutMs: 600_000,
    codeVersion: sha256('bench'),
    identity: sha256('bench'),
  });
}

const spec = await toySpec();
const folder = await mkdtemp(join(os.tmpdir(), 'adctl-bench-'));
const trainer = createTrainer(
  {
    kind: 'tensorflow',
    flavour: 'cpu',
    threads: 1,
    cacheDirectory: cacheDir,
    engineCacheDirectory: cacheDir,
    recycleTrials: Number.MAX_SAFE_INTEGER,
    recycleRssBytes: Number.MAX_SAFE_INTEGER,
  },
  pino({ level: 'warn' }, pino.destination(2)),
);

console.log(`machine: ${os.cpus()[0]?.model}, ${os.availableParallelism()} cores, node ${process.version}`);
console.log(`${method}, quick, one epoch of MNIST 8, with test scores of the untrained and the trained model\n`);
console.log(
  '| trial | process | seconds | tensors afterwards | leaked | RSS MB |\n| --- | --- | --- | --- | --- | --- |',
);
const healths: TrainerHealth[] = [];
try {
  for (let trial = 1; trial <= Number(count); trial++) {
    await trainer.ready();
    const directory = await mkdtemp(join(folder, 'attempt-'));
    const startedAt = performance.now();
    const start = { type: 'start', spec, attempt: trial, directory, checkpointSeconds: 3600 } as const;
    const end = await trainer.run(start, () => undefined);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
    const health = trainer.health();
    if (end.kind !== 'ended' || end.end.kind !== 'finished' || health === null) throw new Error(JSON.stringify(end));
    healths.push(health);
    const rss = (health.rssBytes / 1e6).toFixed(0);
    console.log(`| ${trial} | ${trainer.pid()} | ${seconds} | ${health.tensors} | ${health.leakedTensors} | ${rss} |`);
    await rm(directory, { recursive: true });
  }
} finally {
  await trainer.close();
  await rm(folder, { recursive: true, force: true });
}
const medianRss = (some: readonly TrainerHealth[]) =>
  some.map(({ rssBytes }) => rssBytes).sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? 0;
const growth = medianRss(healths.slice(-5)) / medianRss(healths.slice(5, 10)) - 1;
const leaked = healths.reduce((sum, { leakedTensors }) => sum + leakedTensors, 0);
console.log(
  `\nleaked tensors: ${leaked}; median RSS of the last five against trials 6 to 10: ${(100 * growth).toFixed(1)} %`,
);
if (leaked > 0 || growth > 0.1) process.exitCode = 1;
