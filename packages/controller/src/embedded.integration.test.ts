import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SweepAccepted, type SweepId, type SweepSummary, sha256 } from '@adctl/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedDeployment, findController, startEmbedded } from './embedded.js';
import { fakeDatasets, sweepFile, temporaryDirectory } from './testing/test-deployment.fixtures.js';

let folder: ReturnType<typeof temporaryDirectory>;
let deployment: EmbeddedDeployment | undefined;

const start = async (settings: { workers?: number; slots?: number; ackWaitMs?: number } = {}) => {
  deployment = await startEmbedded({
    directory: join(folder.directory, '.adctl'),
    cacheDir: join(folder.directory, 'cache'),
    version: 'test',
    logger: pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' }),
    environment: { PATH: process.env.PATH, HOME: process.env.HOME },
    slots: 2,
    datasets: fakeDatasets,
    codeVersionOf: () => sha256('code'),
    workerSettings: { ADCTL_TRAINER: 'noop', ADCTL_ALLOW_OTHER_CODE: '1' },
    ...settings,
  });
  return deployment;
};

const submit = (to: EmbeddedDeployment, source: string) =>
  to.messaging.control.request('sweeps.submit', {
    version: 1,
    source,
    file: 'toy.yaml',
    directory: folder.directory,
    fresh: false,
    ifActive: 'join',
    priority: 'normal',
  }) as Promise<SweepAccepted>;

/** Resolves with the sweep's summary once the condition holds; looks at every change of its trials. */
async function until(from: EmbeddedDeployment, sweep: SweepId, condition: (summary: SweepSummary) => boolean) {
  const stop = new AbortController();
  const look = async (bucket: 'trial' | 'sweep') => {
    for await (const _change of from.messaging.state.bucket(bucket).watch(sweep, stop.signal)) {
      const summary = (await from.messaging.control.request('sweeps.show', { sweep })) as SweepSummary;
      if (condition(summary)) return summary;
    }
    throw new Error('stopped watching');
  };
  const stopped = new Promise<never>((_resolve, reject) => {
    from.stopped.addEventListener('abort', () => reject(from.stopped.reason), { once: true });
  });
  try {
    return await Promise.race([look('trial'), look('sweep'), stopped]);
  } finally {
    stop.abort();
  }
}

beforeEach(() => {
  folder = temporaryDirectory();
});

afterEach(async () => {
  await deployment?.stop('now');
  deployment = undefined;
  folder.remove();
});

describe('the embedded deployment with real worker processes', () => {
  test('runs a sweep to its end and is found by its socket', async () => {
    const own = await start();

    const { sweep } = await submit(own, sweepFile());
    const summary = await until(own, sweep, ({ state }) => state === 'completed');
    const other = await findController(own.directory);

    expect(summary.counts.completed).toBe(12);
    expect(await other?.control.request('sweeps.show', { sweep })).toMatchObject({ state: 'completed' });
    await other?.close();
    expect(existsSync(join(own.directory, 'logs', 'worker-0.log'))).toBe(true);
  });

  // Leases are a minute long: within these limits nothing can have waited for one.
  test('replaces a worker that was killed and finishes its trials', { timeout: 40_000 }, async () => {
    const own = await start({ workers: 2, slots: 1 });
    const { sweep } = await submit(
      own,
      sweepFile({ learningRates: Array.from({ length: 40 }, (_, i) => 0.001 + i / 1e5) }),
    );
    let kills = 0;

    const summary = await until(own, sweep, ({ state, counts }) => {
      const [pid] = own.workerPids();
      if (pid !== undefined && counts.completed > 20 * (kills + 1) && kills < 3) {
        kills += 1;
        process.kill(pid, 'SIGKILL');
      }
      return state === 'completed';
    });

    expect(kills).toBe(3);
    expect(summary.counts).toMatchObject({ completed: 86, failed: 0 });
  });

  test('goes on at once after everything was killed', { timeout: 40_000 }, async () => {
    const source = sweepFile({ learningRates: Array.from({ length: 30 }, (_, i) => 0.001 + i / 1e5) });
    const first = await start({ workers: 2, slots: 2 });
    const { sweep } = await submit(first, source);
    await until(first, sweep, ({ counts }) => counts.completed >= 10);
    await first.stop('now');

    const second = await start({ workers: 2, slots: 2 });
    const again = await submit(second, source);
    const summary = await until(second, sweep, ({ state }) => state === 'completed');

    expect(again).toMatchObject({ sweep, created: false });
    expect(summary.counts).toMatchObject({ completed: 66, failed: 0 });
  });

  test('says so when workers cannot run, with the end of their log', async () => {
    deployment = await startEmbedded({
      directory: join(folder.directory, '.adctl'),
      cacheDir: folder.directory,
      version: 'test',
      logger: pino({ level: 'silent' }),
      environment: { PATH: process.env.PATH },
      datasets: fakeDatasets,
      codeVersionOf: () => sha256('code'),
      workerSettings: { ADCTL_TRAINER: 'nonsense' },
    });

    await new Promise<void>((resolve) =>
      deployment?.stopped.addEventListener('abort', () => resolve(), { once: true }),
    );

    expect(deployment.stopped.reason).toMatchObject({ code: 'workers_broken', kind: 'user' });
    expect(String(deployment.stopped.reason)).toContain('ADCTL_TRAINER');
    expect(readFileSync(join(deployment.directory, 'logs', 'worker-0.log'), 'utf8')).toContain('ADCTL_TRAINER');
  });

  test('nobody is found in a folder without a controller', async () => {
    expect(await findController(folder.directory)).toBeNull();
  });
});
