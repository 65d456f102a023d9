/**
 * Durable no-op trials of the embedded deployment: trials per second with two worker processes, and the gap between two
 * trials of one slot. Everything but training is real: plan, dispatch, claim, result object, event, ack, fold.
 *
 *   node bench/embedded-throughput.ts [TRIALS]        needs MNIST in the cache (adctl datasets fetch mnist)
 *
 * Limits: gap p50 20 ms, p99 250 ms. Beside its peers in one run: cluster-throughput.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { startEmbeddedIn } from './noop/deployments.ts';
import { machineLine, quantile } from './noop/figures.ts';
import { measure } from './noop/measure.ts';

const trials = Number(process.argv[2] ?? 2000);

async function measureEmbedded(count: number, slots: number) {
  const folder = await mkdtemp(join(os.tmpdir(), 'adctl-bench-'));
  const size = { workers: 2, slots };
  const running = await startEmbeddedIn(folder, size);
  try {
    return await measure(running, size, count);
  } finally {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const SLOTS = 32;
const many = await measureEmbedded(trials, SLOTS);
const single = await measureEmbedded(Math.min(trials, 500), 1);
const gap = (share: number) => quantile(single.gapsMs, share);

console.log(machineLine());
console.log('| what | measured | limit |\n| --- | --- | --- |');
console.log(`| results stored | ${many.stored} of ${trials + 1} (one of them the finalist) | all |`);
console.log(`| no-op trials/s, 2 workers x ${SLOTS} slots | ${many.trialsPerSecond.toFixed(0)} | |`);
console.log(`| controller CPU a trial | ${many.controllerMs.toFixed(2)} ms | |`);
console.log(`| no-op trials/s, 2 workers x 1 slot | ${single.trialsPerSecond.toFixed(0)} | |`);
console.log(`| trial-to-trial gap p50 / p99 | ${gap(0.5)} / ${gap(0.99)} ms | 20 / 250 ms |`);
