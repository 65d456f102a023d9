import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Leaderboard, TrialResult } from '@adctl/protocol';
import { z } from 'zod';

const BIN = fileURLToPath(new URL('../../packages/cli/bin/run.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `adctl` with everything it started, in a process group of its own. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** Starts the built `adctl` as its user would, without a terminal. */
export function start(args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Running {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ADCTL_CONFIG_DIR: join(options.cwd, 'config'), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const finished = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as Finished);
  return { child, finished };
}

/** Starts `adctl` and waits for its end. */
export function run(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<Finished> {
  return start(args, options).finished;
}

/** Resolves once a command has said the words on stderr. */
export function untilTold({ child, finished }: Running, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += chunk;
      if (text.includes(words)) resolve();
    });
    void finished.then(({ code }) => reject(new Error(`ended with ${code} without "${words}":\n${text}`)));
  });
}

/** Kills a whole process group with -9 after some time, unless it ended by itself before. @returns whether it was killed. */
export async function killAfter({ child, finished }: Running, ms: number): Promise<boolean> {
  const ended = await Promise.race([finished.then(() => true), delay(ms, false)]);
  if (ended) return false;
  process.kill(-(child.pid as number), 'SIGKILL');
  await finished;
  return true;
}

/** The leaderboard of a finished `adctl sweep --json`, without what depends on time, code path or repetition. */
export function comparableLeaderboard(stdout: string) {
  const { outcome } = z.object({ outcome: z.object({ leaderboard: Leaderboard }) }).parse(JSON.parse(stdout));
  return outcome.leaderboard.groups.map((group) => ({
    ...group,
    rows: group.rows.map(
      ({ searchSeconds, reportSeconds, trainedPerSecond, scoredPerSecond, failures, ...row }) => row,
    ),
  }));
}

/** What must be equal of the results below two object folders, by trial: the digest of the trained model and the test numbers. */
export async function comparableResults(objects: string): Promise<ReadonlyMap<string, unknown>> {
  const results = await readResults(objects);
  return new Map([...results].map(([trial, { artifacts, test }]) => [trial, { model: artifacts.model?.sha256, test }]));
}

/** All results below an object folder, by trial. */
export async function readResults(objects: string): Promise<Map<string, TrialResult>> {
  const { readdir, readFile } = await import('node:fs/promises');
  const files = (await readdir(join(objects, 'v1/result'), { recursive: true })).filter((name) =>
    name.endsWith('.json'),
  );
  const results = await Promise.all(
    files.map(async (name) => TrialResult.parse(JSON.parse(await readFile(join(objects, 'v1/result', name), 'utf8')))),
  );
  return new Map(results.map((result) => [result.spec.trial, result]));
}
