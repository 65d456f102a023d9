/**
 * One controller under very many trials: CPU per trial over the run, resident memory, leaderboard latency, and what a
 * restart costs. Everything but training is real.
 *
 *   node bench/hundred-thousand.ts [TRIALS] [embedded|nats]     needs MNIST in the cache (adctl datasets fetch mnist)
 *
 * `embedded`: this process is the controller. `nats`: a real nats-server, the controller and the workers are processes of
 * their own, objects lie in a folder.
 *
 * Yardsticks (design section 10): CPU per trial of the last tenth at most 1.5 x the first; 300 MiB; leaderboard p95 200 ms.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startEmbedded } from '@adctl/controller/embedded';
import { resolveCacheDir } from '@adctl/datasets';
import { connectNats } from '@adctl/messaging/nats';
import { ControllerStatus, type SweepAccepted, SweepSummary } from '@adctl/protocol';
import { findNatsBinaries, startNatsServer } from '@adctl/testkit';
import { pino } from 'pino';

const trials = Number(process.argv[2] ?? 100_000);
const kind = process.argv[3] === 'nats' ? 'nats' : 'embedded';
const WORKERS = 2;
const SLOTS = 8;
const LEADERBOARDS = 40;
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const NOOP = { ADCTL_TRAINER: 'noop', ADCTL_TRAINER_TRIALS: '1000000' };
const cacheDir = resolveCacheDir(process.env, os.homedir());

const SOURCE = `
apiVersion: adctl/v1
kind: Sweep
name: noop
method: dae
dataset: { name: mnist, protocol: one-class, normal: ["8"] }
search:
  algorithm: grid
  space: { weightDecay: { range: { from: 1.0e-7, to: 1.0e-2, count: ${trials}, scale: log } } }
train: { preset: quick, hyperparameters: { epochs: 1 } }
seeds: { search: 1, report: 1, finalists: 1 }
resources: { pool: cpu }
limits: { maxTrials: ${trials + 1}, parallel: 1000 }
`;

/** A deployment whose controller can be measured. */
interface Running {
  request(verb: string, payload: unknown): Promise<unknown>;
  controllerPid: number;
  stop(): Promise<void>;
}

async function startEmbeddedIn(folder: string, workers: number): Promise<Running> {
  const deployment = await startEmbedded({
    directory: join(folder, '.adctl'),
    cacheDir,
    version: 'bench',
    logger: pino({ level: 'silent' }),
    environment: process.env,
    workers,
    slots: SLOTS,
    workerSettings: NOOP,
  });
  return {
    request: (verb, payload) => deployment.messaging.control.request(verb, payload),
    controllerPid: process.pid,
    stop: () => deployment.stop('now'),
  };
}

async function startOnNats(folder: string, server: { readonly url: string }, workers: number): Promise<Running> {
  const settings = {
    PATH: process.env.PATH ?? '',
    HOME: os.homedir(),
    ADCTL_NATS_URL: server.url,
    ADCTL_OBJECTS: 'filesystem',
    ADCTL_OBJECTS_DIR: join(folder, 'objects'),
    ADCTL_CACHE_DIR: cacheDir,
    ADCTL_LOG_LEVEL: 'warn',
  };
  const entryOf = (name: string) => join(dirname(createRequire(import.meta.url).resolve(name)), 'main.js');
  const start = (entry: string, more: Record<string, string>): ChildProcess =>
    spawn(process.execPath, [entry], { env: { ...settings, ...more }, stdio: ['ignore', 'ignore', 'inherit'] });
  const controller = start(entryOf('@adctl/controller'), { ADCTL_METRICS_PORT: '0', ADCTL_POOL_CLASSES: 'cpu=cpu' });
  const children = Array.from({ length: workers }, (_, i) =>
    start(entryOf('@adctl/worker'), { ...NOOP, ADCTL_WORKER_ID: `w-${process.pid}-${i}`, ADCTL_SLOTS: String(SLOTS) }),
  );
  const messaging = await connectNats({ servers: [server.url], role: 'cli', identity: 'bench' });
  const request = (verb: string, payload: unknown) => messaging.control.request(verb, payload, { timeoutMs: 60_000 });
  for (;;) {
    const status = await request('status', {}).then(ControllerStatus.parse, () => null);
    if (status !== null && status.slots >= workers * SLOTS) break;
    await wait(200);
  }
  return {
    request,
    controllerPid: controller.pid ?? 0,
    async stop() {
      await messaging.close();
      const ends = [controller, ...children].map((child) => new Promise((resolve) => child.once('exit', resolve)));
      for (const child of [controller, ...children]) child.kill('SIGKILL');
      await Promise.all(ends);
    },
  };
}

/** CPU seconds and resident MiB of a process, as the kernel counts them. */
function usageOf(pid: number): { readonly cpuSeconds: number; readonly rssMiB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssMiB: (pages * PAGE_BYTES) / 1024 ** 2,
  };
}

async function leaderboardMs(from: Running, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    await from.request('leaderboard', {});
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b);
}

const p95 = (times: readonly number[]) => times[Math.min(times.length - 1, Math.floor(0.95 * times.length))] ?? 0;
const folder = await mkdtemp(join(os.tmpdir(), 'adctl-bench-'));
const binaries = await findNatsBinaries();
const binary = 'missing' in binaries.newest ? binaries.old : binaries.newest;
if (kind === 'nats' && 'missing' in binary) throw new Error(`no nats-server: ${binary.missing}`);
const server = kind === 'nats' && !('missing' in binary) ? await startNatsServer({ path: binary.path }) : undefined;
const start = (workers: number) =>
  server === undefined ? startEmbeddedIn(folder, workers) : startOnNats(folder, server, workers);

try {
  let running = await start(WORKERS);
  const { controllerPid } = running;
  const accepted = (await running.request('sweeps.submit', {
    version: 1,
    source: SOURCE,
    file: 'noop.yaml',
    directory: folder,
    fresh: true,
    ifActive: 'join',
    priority: 'normal',
  })) as SweepAccepted;
  const begin = performance.now();
  const tenths: { readonly cpuMs: number; readonly rssMiB: number }[] = [];
  let before = { done: 0, cpuSeconds: usageOf(controllerPid).cpuSeconds };
  let mostRss = 0;
  for (;;) {
    await wait(500);
    const { cpuSeconds, rssMiB } = usageOf(controllerPid);
    mostRss = Math.max(mostRss, rssMiB);
    const summary = SweepSummary.parse(await running.request('sweeps.show', { sweep: accepted.sweep }));
    const done = summary.counts.completed ?? 0;
    const over = summary.state === 'completed' || summary.state === 'failed';
    if (tenths.length < 10 && done >= ((tenths.length + 1) * trials) / 10) {
      tenths.push({ cpuMs: ((cpuSeconds - before.cpuSeconds) * 1000) / Math.max(1, done - before.done), rssMiB });
      console.error(`${done} done, ${tenths.at(-1)?.cpuMs.toFixed(2)} ms CPU a trial, ${rssMiB.toFixed(0)} MiB`);
      before = { done, cpuSeconds };
    }
    if (over) break;
  }
  const seconds = (performance.now() - begin) / 1000;
  const warm = await leaderboardMs(running, LEADERBOARDS);
  mostRss = Math.max(mostRss, usageOf(controllerPid).rssMiB);
  await running.stop();

  const restart = performance.now();
  running = await start(0);
  const restartSeconds = (performance.now() - restart) / 1000;
  const [cold = 0] = await leaderboardMs(running, 1);
  await running.stop();

  const ratio = (tenths.at(-1)?.cpuMs ?? 0) / (tenths[0]?.cpuMs ?? 1);
  console.log(`machine: ${os.cpus()[0]?.model}, ${os.availableParallelism()} cores, node ${process.version}, ${kind}`);
  console.log('| what | measured | yardstick |\n| --- | --- | --- |');
  console.log(`| trials, per second | ${trials}, ${(trials / seconds).toFixed(0)} | |`);
  console.log(
    `| controller CPU a trial, ms by tenth | ${tenths.map(({ cpuMs }) => cpuMs.toFixed(2)).join(', ')} | flat |`,
  );
  console.log(`| last tenth / first tenth | ${ratio.toFixed(2)} | 1.5 |`);
  console.log(`| most resident memory | ${mostRss.toFixed(0)} MiB | 300 MiB |`);
  console.log(`| leaderboard p95, warm | ${p95(warm).toFixed(0)} ms | 200 ms |`);
  console.log(`| start again, first leaderboard | ${restartSeconds.toFixed(1)} s, ${cold.toFixed(0)} ms | |`);
} finally {
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
}
