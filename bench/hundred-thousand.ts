/**
 * One controller under very many trials: CPU per trial over the run, resident memory, leaderboard latency, and what a
 * restart costs. Everything but training is real.
 *
 *   node bench/hundred-thousand.ts [TRIALS] [nats|embedded]     needs MNIST in the cache (adctl datasets fetch mnist)
 *
 * `nats`: a controller as in production, with the clients of NATS, S3 and Kubernetes loaded: a real nats-server, the repository's
 * own S3 in a process, controller and workers in theirs, and a pool in a make-believe Kubernetes without nodes (this process).
 * `embedded`: this process is the controller, and the client as well.
 *
 * Limits: CPU per trial of the last tenth at most 1.5 x the first; 300 MiB; leaderboard p95 200 ms.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { setInterval as every } from 'node:timers/promises';
import { type Running, startEmbeddedIn, startNewestNats, startOnNats } from './noop/deployments.ts';
import { machineLine, quantile, usageOf } from './noop/figures.ts';
import { startIdleKubernetes } from './noop/kubernetes.ts';
import { startFakeEndpoint } from './noop/s3-endpoint.ts';
import { submitNoop, untilEnded } from './noop/sweep.ts';

const trials = Number(process.argv[2] ?? 100_000);
const kind = process.argv[3] === 'embedded' ? 'embedded' : 'nats';
const SLOTS = 8;
const LEADERBOARDS = 40;

async function leaderboardMs(from: Running, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    await from.request('leaderboard', {});
    times.push(performance.now() - begin);
  }
  return times;
}

/** Follows the resident memory of a process. @returns the function that ends it and tells the most. */
function watchMemory(pid: number): () => number {
  let most = 0;
  const stop = new AbortController();
  const watch = async () => {
    for await (const _ of every(100, undefined, { signal: stop.signal })) most = Math.max(most, usageOf(pid).rssMiB);
  };
  void watch().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return () => {
    stop.abort();
    return most;
  };
}

async function startSurroundings() {
  return {
    server: await startNewestNats(),
    s3: await startFakeEndpoint(),
    kubernetes: await startIdleKubernetes(folder),
  };
}

const folder = await mkdtemp(join(os.tmpdir(), 'adctl-bench-'));
const surroundings = kind === 'nats' ? await startSurroundings() : undefined;
const start = (workers: number) => {
  const size = { workers, slots: SLOTS };
  if (surroundings === undefined) return startEmbeddedIn(folder, size);
  const { server, s3, kubernetes } = surroundings;
  const settings = { endpoint: s3.endpoint, bucket: s3.bucket, region: 'us-east-1' };
  return startOnNats(server, { kind: 's3', settings }, size, kubernetes.env);
};
let running: Running | undefined;

try {
  running = await start(2);
  const { request, controllerPid } = running;
  const idleRss = usageOf(controllerPid).rssMiB;
  const stopWatching = watchMemory(controllerPid);
  const accepted = await submitNoop(request, 'noop', trials);
  const begin = performance.now();
  const tenths: { readonly cpuMs: number; readonly rssMiB: number }[] = [];
  let before = { done: 0, cpuSeconds: usageOf(controllerPid).cpuSeconds };
  await untilEnded(request, accepted, {
    everyMs: 500,
    onLook(done) {
      if (tenths.length === 10 || done < ((tenths.length + 1) * trials) / 10) return;
      const { cpuSeconds, rssMiB } = usageOf(controllerPid);
      const cpuMs = ((cpuSeconds - before.cpuSeconds) * 1000) / (done - before.done);
      tenths.push({ cpuMs, rssMiB });
      console.error(`${done} done, ${cpuMs.toFixed(2)} ms CPU a trial, ${rssMiB.toFixed(0)} MiB`);
      before = { done, cpuSeconds };
    },
  });
  const seconds = (performance.now() - begin) / 1000;
  const warm = await leaderboardMs(running, LEADERBOARDS);
  const mostRss = stopWatching();
  await running.stop();

  const restart = performance.now();
  running = await start(0);
  const restartSeconds = (performance.now() - restart) / 1000;
  const [cold = 0] = await leaderboardMs(running, 1);

  const ratio = (tenths.at(-1)?.cpuMs ?? 0) / (tenths[0]?.cpuMs ?? 1);
  console.log(`${machineLine()}, ${kind}`);
  console.log('| what | measured | limit |\n| --- | --- | --- |');
  console.log(`| trials, per second | ${trials}, ${(trials / seconds).toFixed(0)} | |`);
  console.log(
    `| controller CPU a trial, ms by tenth | ${tenths.map(({ cpuMs }) => cpuMs.toFixed(2)).join(', ')} | flat |`,
  );
  console.log(`| last tenth / first tenth | ${ratio.toFixed(2)} | 1.5 |`);
  console.log(`| resident memory by tenth, MiB | ${tenths.map(({ rssMiB }) => rssMiB.toFixed(0)).join(', ')} | |`);
  console.log(`| resident memory before the first trial | ${idleRss.toFixed(0)} MiB | |`);
  console.log(`| most resident memory | ${mostRss.toFixed(0)} MiB | 300 MiB |`);
  console.log(`| leaderboard p95, warm | ${quantile(warm, 0.95).toFixed(0)} ms | 200 ms |`);
  console.log(`| start again, first leaderboard | ${restartSeconds.toFixed(1)} s, ${cold.toFixed(0)} ms | |`);
} finally {
  await running?.stop();
  await surroundings?.kubernetes.stop();
  await surroundings?.s3.stop();
  await surroundings?.server.remove();
  await rm(folder, { recursive: true, force: true });
}
