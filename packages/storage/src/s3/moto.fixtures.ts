import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** The independent S3 we compare ourselves with. */
const PACKAGE = 'moto[server]==5.2.5';
const INSTALL_TIMEOUT_MS = 180_000;
const START_TIMEOUT_MS = 30_000;

/** A Python that has moto, or why there is none. */
export type MotoPython = { readonly python: string } | { readonly reason: string };

/**
 * Finds or makes a virtual environment with moto under the cache folder (`ADCTL_CACHE_DIR`, else `$XDG_CACHE_HOME/adctl`,
 * else `~/.cache/adctl`), with the Python of `ADCTL_PYTHON`.
 */
export async function prepareMoto(env: NodeJS.ProcessEnv = process.env): Promise<MotoPython> {
  const cache = env.ADCTL_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'adctl');
  const folder = join(cache, 'test', 'moto-5.2.5');
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, '.complete');
  const run = promisify(execFile);
  try {
    await access(complete);
    return { python };
  } catch (missing) {
    if (!(missing instanceof Error && 'code' in missing && missing.code === 'ENOENT')) throw missing;
  }
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(dirname(folder), { recursive: true });
    await run(env.ADCTL_PYTHON || 'python3', ['-m', 'venv', folder], { timeout: INSTALL_TIMEOUT_MS });
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE];
    await run(python, install, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 });
    await writeFile(complete, `${PACKAGE}\n`);
    return { python };
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    const complaint = stderr.split('\n').findLast((line) => line.startsWith('ERROR')) ?? String(error).split('\n')[0];
    return { reason: `${PACKAGE} could not be installed with pip: ${complaint}` };
  }
}

export interface Moto {
  readonly endpoint: string;
  createBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server on a free port of this machine. */
export async function startMoto(python: string): Promise<Moto> {
  const server = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const endpoint = await addressOf(server);
    return {
      endpoint,
      async createBucket(name) {
        const answer = await fetch(`${endpoint}/${name}`, { method: 'PUT' });
        if (!answer.ok) throw new Error(`moto refused to create the bucket ${name}: HTTP ${answer.status}`);
      },
      stop: () => stop(server),
    };
  } catch (error) {
    await stop(server);
    throw error;
  }
}

async function addressOf(server: ChildProcess): Promise<string> {
  const lines = createInterface({ input: server.stderr ?? process.stdin });
  const said: string[] = [];
  const found = Promise.withResolvers<string>();
  lines.on('line', (line) => {
    said.push(line);
    const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (address !== undefined) found.resolve(address);
  });
  lines.on('close', () => found.reject(new Error(`moto did not start: ${said.join('\n')}`)));
  server.on('error', found.reject);
  const timer = setTimeout(() => found.reject(new Error('moto did not start in time')), START_TIMEOUT_MS);
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}
