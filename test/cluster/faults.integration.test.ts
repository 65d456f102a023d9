import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MetricBatch, SweepSummary, TrialResult, TrialSummary } from '@adctl/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { untilTold } from '../e2e/adctl.ts';
import { connectAsController } from './audit.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { writeNoopSweep } from './noop-sweep.ts';
import type { ClusterProcess } from './processes.ts';

const ACK_WAIT_MS = 2_000;
/** Some seconds of noop training: long enough to be disturbed, several leases long. */
const LONG = 6_000;

let cluster: Cluster;
const workers: ClusterProcess[] = [];
beforeAll(async () => {
  cluster = await startCluster({ ackWaitMs: ACK_WAIT_MS, env: { ADCTL_TRAINER: 'noop', ADCTL_LOG_LEVEL: 'debug' } });
  await cluster.startLeader();
});
afterEach(async () => {
  await cluster.nats.start(); // a test may have left it stopped
  await untilControllerAnswers();
  await Promise.all(workers.splice(0).map((worker) => worker.remove()));
});
afterAll(() => cluster.close());

const startWorker = (name: string, env?: Readonly<Record<string, string>>) => {
  const worker = cluster.startWorker(name, env);
  workers.push(worker);
  return worker;
};

/** After an outage the controller first has to come back to the server. */
async function untilControllerAnswers(): Promise<void> {
  await vi.waitFor(
    async () => {
      const { code, stderr } = await cluster.run(['workers', '--json']);
      expect(code, stderr).toBe(0);
    },
    { timeout: 60_000, interval: 200 },
  );
}

/** Submits a sweep of one search and one report trial, which reuse nothing. @returns its id. */
async function submit(name: string, epochs = LONG): Promise<string> {
  const file = await writeNoopSweep(cluster.folder, { name, epochs });
  const { code, stdout, stderr } = await cluster.run(['sweep', file, '--detach', '--fresh', '--json']);
  expect(code, stderr).toBe(0);
  return z.object({ accepted: z.object({ sweep: z.string() }) }).parse(JSON.parse(stdout)).accepted.sweep;
}

async function trialsOf(sweep: string): Promise<TrialSummary[]> {
  const { stdout, stderr, code } = await cluster.run(['trials', 'list', '--sweep', sweep, '--json']);
  expect(code, stderr).toBe(0);
  return z.array(TrialSummary).parse(JSON.parse(stdout));
}

/** Resolves once some trial of the sweep satisfies the condition. */
function untilTrial(sweep: string, condition: (trial: TrialSummary) => boolean): Promise<TrialSummary> {
  return vi.waitFor(
    async () => {
      const found = (await trialsOf(sweep)).find(condition);
      if (found === undefined) throw new Error('no such trial yet');
      return found;
    },
    { timeout: 60_000, interval: 100 },
  );
}

/** Follows the sweep to its end. */
async function watch(sweep: string): Promise<SweepSummary> {
  const { stdout, stderr, code } = await cluster.run(['sweeps', 'watch', sweep, '--json']);
  expect(code, stderr).toBe(0);
  return z.object({ summary: SweepSummary }).parse(JSON.parse(stdout)).summary;
}

/** The results of a sweep by index; every trial has exactly one object. */
async function resultsOf(sweep: string): Promise<TrialResult[]> {
  const folder = join(cluster.objects, 'v1/result', sweep);
  await mkdir(folder, { recursive: true }); // there is none before the first result
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => TrialResult.parse(JSON.parse(text))).sort((a, b) => a.spec.index - b.spec.index);
}

/** The epochs of which a trial's curve has a row, in the order in which they were told. */
async function curveOf(sweep: string, trial: string): Promise<number[]> {
  const messaging = await connectAsController(cluster);
  try {
    const epochs: number[] = [];
    for await (const { data } of messaging.events.read(`metric.${sweep}.${trial}`)) {
      epochs.push(...MetricBatch.parse(data).epochs);
    }
    return epochs;
  } finally {
    await messaging.close();
  }
}

function passes(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}

const isRunning = ({ state }: TrialSummary) => state === 'running';

interface Loss {
  readonly lossMs: number;
  /** Of the worker. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether the trial that runs is surely through before the broker is back: then its result is stored already. */
  readonly outlasts: boolean;
}

/** Losses during which no call's patience lasts: a worker's own is short, and that of everybody is 30 s by default. */
const LOSSES: readonly Loss[] = [
  { lossMs: 2 * ACK_WAIT_MS, env: { ADCTL_NATS_PATIENCE_MS: '500' }, outlasts: false },
  { lossMs: 60_000, env: {}, outlasts: true },
];
/** At least ten seconds of training. */
const EPOCHS = 10_000;

describe('a broker that is away for longer than a lease and longer than anybody is patient', () => {
  test.each(LOSSES)(
    'for $lossMs ms: workers train on, buffer what they have to say, and no trial fails or starts again',
    async ({ lossMs, env, outlasts }) => {
      const worker = startWorker('w-outage', env);
      const sweep = await submit('outage', EPOCHS);
      await untilTrial(sweep, isRunning);
      const watching = cluster.start(['sweeps', 'watch', sweep]);
      const leaving = cluster.start(['sweeps', 'watch', sweep]);
      await Promise.all([watching, leaving].map((watcher) => untilTold(watcher, 'epoch ')));

      await cluster.nats.stop();
      leaving.child.kill('SIGINT');
      // What is tested is that time passes; and whoever leaves does not wait for the broker.
      const [left] = await Promise.all([leaving.finished, passes(lossMs)]);
      const endedMeanwhile = await resultsOf(sweep);
      await cluster.nats.start();
      const watched = await watching.finished;

      expect(left.code, left.stderr).toBe(130);
      expect(watched.code, watched.stderr).toBe(0);
      expect(watched.stderr).toMatch(/The cluster does not answer;.*The cluster answers again, after \d+ s/s);
      if (outlasts) expect(endedMeanwhile).toHaveLength(1);
      const results = await resultsOf(sweep);
      expect(results.map(({ attempt }) => attempt)).toEqual([1, 1]);
      expect((await trialsOf(sweep)).flatMap(({ failures }) => failures)).toEqual([]);
      expect(worker.log()).not.toContain('the claim is lost');
      const everyEpoch = Array.from({ length: EPOCHS }, (_, index) => index + 1);
      for (const { spec } of results) expect(await curveOf(sweep, spec.trial)).toEqual(everyEpoch);
    },
  );

  test('a worker that hears nothing for too long stops its training and ends with exit code 75', async () => {
    const worker = startWorker('w-cut-off', { ADCTL_UNREACHABLE_MS: '1000' });
    const sweep = await submit('cut-off');
    await untilTrial(sweep, isRunning);

    await cluster.nats.stop();
    expect(await worker.ended).toBe(75);
    await cluster.nats.start();

    startWorker('w-cut-off-2');
    await watch(sweep);
    const [searched] = await resultsOf(sweep);
    expect(searched).toMatchObject({ worker: 'w-cut-off-2' });
    expect(searched?.attempt).toBeGreaterThan(1);
  });

  test('an idle worker ends with exit code 75 too', async () => {
    const worker = startWorker('w-idle', { ADCTL_UNREACHABLE_MS: '500', ADCTL_NATS_PATIENCE_MS: '200' });
    await vi.waitFor(
      async () => {
        const { stdout } = await cluster.run(['workers', '--json']);
        expect(stdout).toContain('w-idle');
      },
      { timeout: 60_000, interval: 200 },
    );
    await cluster.nats.stop();

    expect(await worker.ended).toBe(75);
  });
});

describe('a worker that ends', () => {
  test('SIGTERM: checkpoint, release, exit code 0; another one resumes', async () => {
    const first = startWorker('w-term');
    const sweep = await submit('drained');
    await untilTrial(sweep, isRunning);

    first.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    startWorker('w-term-2');
    await watch(sweep);

    const [searched] = await resultsOf(sweep);
    expect(searched).toMatchObject({ attempt: 2, steps: 2, worker: 'w-term-2', failures: [] }); // two attempts trained
  });

  test('kill -9: the lease runs out, another one takes over', async () => {
    const first = startWorker('w-killed', { ADCTL_CHECKPOINT_SECONDS: '0' });
    const sweep = await submit('killed');
    await untilTrial(sweep, isRunning);

    first.kill('SIGKILL');
    await first.ended;
    startWorker('w-killed-2');
    await watch(sweep);

    const results = await resultsOf(sweep);
    expect(results).toHaveLength(2);
    expect(results[0]).toMatchObject({ worker: 'w-killed-2' });
    expect(results[0]?.attempt).toBeGreaterThan(1);
  });

  test('a zombie, stopped past its lease and continued: exactly one result, and the loser stops by itself', async () => {
    const zombie = startWorker('w-zombie');
    const sweep = await submit('zombie', 10_000);
    const { trial } = await untilTrial(sweep, isRunning);

    process.kill(-(zombie.child.pid as number), 'SIGSTOP'); // the worker and its training
    const heir = startWorker('w-heir');
    await untilTrial(sweep, ({ trial: one, worker }) => one === trial && worker === 'w-heir');
    process.kill(-(zombie.child.pid as number), 'SIGCONT');

    await zombie.says('the claim is lost');
    await watch(sweep);
    const results = await resultsOf(sweep);
    expect(results).toHaveLength(2);
    expect(results[0]).toMatchObject({ worker: 'w-heir' });
    expect(results[0]?.attempt).toBeGreaterThan(1);
    expect(heir.log()).not.toContain('the claim is lost');
    expect(zombie.child.exitCode).toBeNull(); // it goes on with other trials
  });
});
