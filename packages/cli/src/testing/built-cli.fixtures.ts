import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** A running `adctl`. */
export interface RunningCli {
  readonly child: ChildProcess;
  /** Everything so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves once stderr holds the words. @throws when the process ends without them */
  tells(words: string): Promise<void>;
  /** Resolves with the exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** A folder with a tiny image data set and sweep files, and the built adctl in it, training with the noop trainer. */
export interface Workplace {
  readonly folder: string;
  /** Writes a sweep over two classes; DAE, one configuration for each value of `values`. */
  writeSweep(options?: {
    readonly name?: string;
    readonly epochs?: number;
    readonly values?: readonly number[];
  }): Promise<string>;
  /** @param stdin `open` for one that nobody writes to; default: none. */
  start(args: readonly string[], stdin?: 'open'): RunningCli;
  /** Runs to the end. */
  run(args: readonly string[]): Promise<{ stdout: string; stderr: string; exitCode: number | null }>;
  /** Ends what still runs, and removes the folder. */
  close(): Promise<void>;
}

/** @param options.trains with TensorFlow, in the machine's own cache, instead of the noop trainer. */
export async function createWorkplace(options: { readonly trains?: boolean } = {}): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'adctl-cli-'));
  for (const name of ['bolt', 'nut']) {
    const images = join(folder, 'images', name);
    await mkdir(images, { recursive: true });
    // The noop trainer decodes no pixel, so names and contents are enough.
    for (let i = 0; i < 20; i++) await writeFile(join(images, `${i}.png`), `${name} ${i}`);
  }
  const running = new Set<RunningCli>();
  const env = {
    ...process.env,
    ...(options.trains ? {} : { ADCTL_TRAINER: 'noop', ADCTL_CACHE_DIR: join(folder, 'cache') }),
    ADCTL_CONFIG_DIR: join(folder, 'config'),
    ADCTL_SLOTS: '2',
    NO_COLOR: '1',
  };
  const start = (args: readonly string[], stdin?: 'open') => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: folder,
      env,
      stdio: [stdin === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    const cli = watch(child);
    running.add(cli);
    void cli.ended.then(() => running.delete(cli));
    return cli;
  };
  return {
    folder,
    start,
    async run(args) {
      const cli = start(args);
      const exitCode = await cli.ended;
      return { stdout: cli.stdout(), stderr: cli.stderr(), exitCode };
    },
    async writeSweep({ name = 'toy', epochs = 3, values = [0.001, 0.002] } = {}) {
      const file = join(folder, `${name}.yaml`);
      await writeFile(file, sweepText(name, epochs, values));
      return file;
    },
    async close() {
      for (const { child } of running) child.kill('SIGKILL');
      await Promise.all([...running].map(({ ended }) => ended));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function watch(child: ChildProcess): RunningCli {
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
    for (const listener of listeners) listener();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    tells(words) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (!stderr.includes(words)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} without "${words}":\n${stderr}`)));
      });
    },
  };
}

function sweepText(name: string, epochs: number, values: readonly number[]): string {
  return `apiVersion: adctl/v1
kind: Sweep
name: ${name}
method: dae
dataset: { name: folder, root: images, protocol: one-class, normal: [bolt, nut], image: { height: 28, width: 28, channels: 1 } }
search: { algorithm: grid, space: { learningRate: { values: [${values.join(', ')}] } } }
train: { preset: quick, hyperparameters: { epochs: ${epochs} } }
seeds: { search: 1, report: 3, finalists: 1 }
limits: { maxTrials: 50 }
`;
}
