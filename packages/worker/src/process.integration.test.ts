import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TrialId } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ACK_WAIT_MS, type Bench, createBench } from './testing/bench.fixtures.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const LONG = { epochs: 500, epochMs: 50 };

let bench: Bench;
const started: ChildProcess[] = [];
beforeEach(async () => {
  bench = createBench();
  await bench.messaging.listen();
});
afterEach(async () => {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await bench.close();
});

/** A worker as `adctl` starts it, leader of a process group of its own, as a terminal makes one. */
function startProcess(environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      ADCTL_DIRECTORY: bench.directory,
      ADCTL_TRAINER: 'noop',
      ADCTL_WORKER_ID: 'w-process',
      ADCTL_ACK_WAIT_MS: String(ACK_WAIT_MS),
      ADCTL_CHECKPOINT_SECONDS: '3600',
      ADCTL_LOG_LEVEL: 'info',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  started.push(child);
  return child;
}

async function exitOf(child: ChildProcess): Promise<[code: number | null, signal: string | null]> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}

const hasCheckpoint = async () => (await bench.objectKeys()).some((key) => key.endsWith('MANIFEST.json'));
const released = (trial: TrialId) => bench.untilLease(trial, (lease) => lease.released === true);

describe('the worker process', () => {
  test('ends with exit code 0 when idle for long enough', async () => {
    expect(await exitOf(startProcess({ ADCTL_IDLE_MS: '100' }))).toEqual([0, null]);
  });

  test('SIGTERM: checkpoint, release, exit code 0', async () => {
    const trial = await bench.addTrial(LONG);
    const child = startProcess();
    await bench.untilEpoch(trial, 2);

    child.kill('SIGTERM');

    expect(await exitOf(child)).toEqual([0, null]);
    expect(await bench.nextEvent('release', trial)).toMatchObject({ reason: 'drained' });
    expect((await released(trial)).lease.attempt).toBe(1);
    expect(await hasCheckpoint()).toBe(true);
  });

  test('Ctrl-C, which reaches the training processes too, does the same', async () => {
    const trial = await bench.addTrial(LONG);
    const child = startProcess();
    await bench.untilEpoch(trial, 2);

    process.kill(-child.pid!, 'SIGINT'); // the whole group

    expect(await exitOf(child)).toEqual([0, null]);
    expect(await bench.nextEvent('release', trial)).toMatchObject({ reason: 'drained' });
    expect(await hasCheckpoint()).toBe(true);
  });

  test('a second signal ends it at once with exit code 75', async () => {
    const trial = await bench.addTrial({ epochMs: 300, failure: 'hang' });
    const child = startProcess();
    await bench.untilLogged(trial, 'hang');

    child.kill('SIGTERM');
    await untilLogged(child, 'takes no more trials');
    child.kill('SIGTERM');

    expect(await exitOf(child)).toEqual([75, null]);
    await vi.waitFor(() => expect(livingInGroup(child.pid!)).toEqual([])); // the hanging training is gone too
  });

  test('gives up with exit code 75 when the grace time is over', async () => {
    const trial = await bench.addTrial({ epochMs: 300, failure: 'hang' });
    const child = startProcess({ ADCTL_DRAIN_GRACE_MS: '200' });
    await bench.untilLogged(trial, 'hang');

    child.kill('SIGTERM');

    expect(await exitOf(child)).toEqual([75, null]);
  });

  test('kill -9 leaves no training process behind, and another worker goes on after the lease ran out', async () => {
    const trial = await bench.addTrial({ epochs: 60, epochMs: 50, auroc: 0.7 });
    const child = startProcess({ ADCTL_CHECKPOINT_SECONDS: '0' });
    await bench.untilEpoch(trial, 3);

    child.kill('SIGKILL');
    await exitOf(child);
    bench.startWorker();
    await bench.nextEvent('result', trial);

    expect(await bench.result(trial)).toMatchObject({ attempt: 2, steps: 2 });
    expect(livingInGroup(child.pid!)).toEqual([]);
  });

  test('ends with exit code 75 when the controller goes away', async () => {
    const trial = await bench.addTrial(LONG);
    const child = startProcess();
    await bench.untilEpoch(trial, 2);

    await bench.messaging.close();

    expect(await exitOf(child)).toEqual([75, null]);
  });

  test('ends with exit code 78 for a wrong configuration, naming every variable', async () => {
    const child = startProcess({ ADCTL_SLOTS: 'many', ADCTL_CLASS: 'Big GPU' });
    const words = await textOf(child);

    expect(await exitOf(child)).toEqual([78, null]);
    expect(words).toMatch(/ADCTL_SLOTS[\s\S]*|ADCTL_CLASS/);
    expect(words).toContain('ADCTL_CLASS');
  });

  test('ends with exit code 78 when there is no engine', async () => {
    const child = startProcess({ ADCTL_TRAINER: 'tensorflow', ADCTL_CACHE_DIR: bench.directory });
    const words = await textOf(child);

    expect(await exitOf(child)).toEqual([78, null]);
    expect(words).toContain('engine_missing');
  });
});

async function untilLogged(child: ChildProcess, words: string): Promise<void> {
  let text = '';
  for await (const chunk of child.stderr!.setEncoding('utf8')) {
    text += chunk;
    if (text.includes(words)) return;
  }
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stderr!.setEncoding('utf8')) text += chunk;
  return text;
}

/** Process ids of a process group, without those that are dead and wait to be cleared away. */
function livingInGroup(group: number): number[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,pgid=,state='], { encoding: 'utf8' });
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  return rows.filter(([, pgid, state]) => Number(pgid) === group && state !== 'Z').map(([pid]) => Number(pid));
}
