import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bytes that a program asked may answer. */
const MOST_OUTPUT = 64 * 1024 ** 2;

/** Runs a program to its end, quietly. */
export function ask(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return new Promise((done, fail) => {
    execFile(command, args, { env, maxBuffer: MOST_OUTPUT }, (error, stdout, stderr) => {
      if (typeof error?.code === 'string') fail(error);
      else done({ code: error === null ? 0 : (error.code ?? 1), stdout, stderr });
    });
  });
}

/**
 * Runs a program to its end with its output on our stderr.
 * @throws Error when it ends with another code than 0.
 */
export function show(command: string, args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 2, 2] });
    child.on('error', fail);
    child.on('close', (code) => (code === 0 ? done() : fail(new Error(`${command} ended with exit code ${code}`))));
  });
}

/** What the checks read of `buildah inspect`. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly WorkingDir: string;
}

/** buildah with images and containers in a folder of its own: nothing of the machine's other images is seen or changed. */
export class Buildah {
  readonly #place: readonly string[];

  constructor(storage: string) {
    this.#place = ['--root', join(storage, 'images'), '--runroot', join(storage, 'run')];
  }

  /** In a chroot, which needs no container runtime, unless the options say otherwise. */
  async build(args: readonly string[]): Promise<void> {
    await show('buildah', [...this.#place, 'build', '--isolation', 'chroot', ...args]);
  }

  /** @returns what it prints. @throws Error with what buildah says. */
  async ask(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await ask('buildah', [...this.#place, ...args]);
    if (code !== 0) throw new Error(`buildah ${args[0]}: ${stderr.trim()}`);
    return stdout.trim();
  }

  async has(image: string): Promise<boolean> {
    return (await this.ask('images', '--all', '--format', '{{.Name}}:{{.Tag}}')).split('\n').includes(image);
  }

  async configOf(image: string): Promise<ImageConfig> {
    return JSON.parse(await this.ask('inspect', '--type', 'image', image)).OCIv1.config;
  }

  /** Lends the mounted root of a new container, which is removed afterwards. */
  async withRoot<T>(image: string, use: (root: string, container: string) => Promise<T>): Promise<T> {
    const container = await this.ask('from', '--pull-never', image);
    try {
      return await use(await this.ask('mount', container), container);
    } finally {
      await this.ask('rm', container);
    }
  }
}
