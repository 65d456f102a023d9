/**
 * Durable no-op trials of the embedded deployment: trials per second with two worker processes, and the gap between two
 * trials of one slot. Everything but training is real: plan, dispatch, claim, result object, event, ack, fold.
 *
 *   node bench/embedded-throughput.ts [TRIALS]        needs MNIST in the cache (adctl datasets fetch mnist)
 *
 * Yardsticks (design section 10): at least 15 x Ray Tune warm (33/s on a quiet 2-core machine) and Optuna's journal file
 * (464/s); gap p50 <= 20 ms, p99 <= 250 ms.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '@adctl/controller/embedded';
import { resolveCacheDir } from '@adctl/datasets';
import { resultsPrefix, type SweepAccepted, SweepSummary, sha256, TrialResult } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { pino } from 'pino';

const trials = Number(process.argv[2] ?? 2000);
/** Ray Tune with warm actors, measured on a quiet machine of this size; the peer is not run here. */
const RAY_PER_SECOND = 33;

const sweepFile = (count: number) => `
apiVersion: adctl/v1
kind: Sweep
name: noop
method: dae
dataset: { name: mnist, protocol: one-class, normal: ["8"] }
search:
  algorithm: grid
  space: { weightDecay: { range: { from: 1.0e-7, to: 1.0e-2, count: ${count}, scale: log } } }
train: { preset: quick, hyperparameters: { epochs: 1 } }
seeds: { search: 1, report: 1, finalists: 1 }
limits: { maxTrials: ${count + 1}, parallel: 1000 }
`;

interface Measured {
  readonly seconds: number;
  readonly results: readonly TrialResult[];
}

async function measure(count: number, workers: number, slots: number): Promise<Measured> {
  const folder = await mkdtemp(join(os.tmpdir(), 'adctl-bench-'));
  const deployment = await startEmbedded({
    directory: join(folder, '.adctl'),
    cacheDir: resolveCacheDir(process.env, os.homedir()),
    version: 'bench',
    logger: pino({ level: 'silent' }),
    environment: process.env,
    workers,
    slots,
    codeVersionOf: () => sha256('bench'),
    workerSettings: { ADCTL_TRAINER: 'noop', ADCTL_ALLOW_OTHER_CODE: '1', ADCTL_TRAINER_TRIALS: '1000000' },
  });
  try {
    const { control } = deployment.messaging;
    const submit = async (name: string, size: number) => {
      const source = sweepFile(size).replace('name: noop', `name: ${name}`);
      return (await control.request('sweeps.submit', {
        version: 1,
        source,
        file: 'noop.yaml',
        directory: folder,
        fresh: true,
        ifActive: 'join',
        priority: 'normal',
      })) as SweepAccepted;
    };
    const ended = async ({ sweep }: SweepAccepted) => {
      for (;;) {
        const { state } = SweepSummary.parse(await control.request('sweeps.show', { sweep }));
        if (state === 'completed') return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await ended(await submit('warm-up', 4 * workers * slots)); // starts every training process
    const start = performance.now();
    const accepted = await submit('measured', count);
    await ended(accepted);
    const seconds = (performance.now() - start) / 1000;
    const store = createFilesystemStore(join(folder, '.adctl/objects'));
    const results: TrialResult[] = [];
    for await (const { key } of store.list(resultsPrefix(accepted.sweep))) {
      const object = await store.get(key);
      if (object !== null) results.push(TrialResult.parse(JSON.parse(Buffer.from(object.content).toString())));
    }
    return { seconds, results };
  } finally {
    await deployment.stop('now');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds from the end of one trial to the start of the next on the same one-slot worker, rising. */
function gapsOf(results: readonly TrialResult[]): number[] {
  const byWorker = Map.groupBy(results, (result) => result.worker ?? '');
  const gaps = [...byWorker.values()].flatMap((ofWorker) => {
    const times = ofWorker
      .map(({ startedAt, endedAt }) => ({ start: Date.parse(startedAt ?? ''), end: Date.parse(endedAt) }))
      .sort((a, b) => a.start - b.start);
    return times.slice(1).map((time, i) => time.start - (times[i]?.end ?? 0));
  });
  return gaps.sort((a, b) => a - b);
}

const throughput = await measure(trials, 2, 8);
const single = await measure(Math.min(trials, 500), 2, 1);
const gaps = gapsOf(single.results);
const at = (share: number) => gaps[Math.min(gaps.length - 1, Math.floor(share * gaps.length))];
const perSecond = trials / throughput.seconds;

console.log(`machine: ${os.cpus()[0]?.model}, ${os.availableParallelism()} cores, node ${process.version}`);
console.log('| what | measured | yardstick |\n| --- | --- | --- |');
console.log(`| results stored | ${throughput.results.length} of ${trials + 1} (one of them the finalist) | all |`);
console.log(
  `| no-op trials/s, 2 workers x 8 slots | ${perSecond.toFixed(0)} | ${15 * RAY_PER_SECOND} (15 x Ray warm), 464 (Optuna journal) |`,
);
console.log(`| no-op trials/s, 2 workers x 1 slot | ${(single.results.length / single.seconds).toFixed(0)} | |`);
console.log(`| trial-to-trial gap p50 / p99 | ${at(0.5)} / ${at(0.99)} ms | 20 / 250 ms |`);
