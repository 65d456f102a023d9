import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdctlError } from '@adctl/protocol';

/** A nats-server of our own on loopback. */
export interface NatsProcess {
  /** `nats://127.0.0.1:port`. */
  readonly url: string;
  /** Aborted with the reason when it ends unasked. */
  readonly broken: AbortSignal;
  stop(): Promise<void>;
}

const START_MS = 30_000;
const LOG_TAIL_CHARACTERS = 2_000;

/**
 * Starts a server on a free port, with a store of its own and the given authorization.
 * @throws AdctlError permanent `nats_server_failed` with the end of its log
 */
export async function startNatsProcess(
  program: string,
  options: { readonly directory: string; readonly authorization: string },
): Promise<NatsProcess> {
  const { directory, authorization } = options;
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'nats-server.conf');
  const store = JSON.stringify(join(directory, 'jetstream'));
  writeFileSync(config, `host: 127.0.0.1\nport: -1\njetstream { store_dir: ${store} }\n${authorization}`, {
    mode: 0o600,
  });
  // A process group of its own: Ctrl-C in the terminal is ours to answer, and the server must outlive the workers.
  const child = spawn(program, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const broken = new AbortController();
  const ready = Promise.withResolvers<string>();
  const gone = Promise.withResolvers<void>();
  let isStopping = false;
  let log = '';
  const fail = (how: string) => {
    const error = serverFailed(how, log);
    ready.reject(error);
    if (!isStopping) broken.abort(error);
    gone.resolve();
  };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-100_000);
    const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    if (port !== undefined && log.includes('Server is ready')) ready.resolve(`nats://127.0.0.1:${port}`);
  });
  child.once('error', (error) => fail(error.message));
  child.once('close', (code, signal) => fail(`ended (${signal ?? `exit code ${code}`})`));
  const timer = setTimeout(() => fail(`was not ready within ${START_MS / 1000} s`), START_MS);
  const stop = async () => {
    isStopping = true;
    child.kill('SIGTERM');
    await gone.promise;
  };
  try {
    return { url: await ready.promise, broken: broken.signal, stop };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function serverFailed(how: string, log: string): AdctlError {
  return new AdctlError(`nats-server ${how}:\n${log.slice(-LOG_TAIL_CHARACTERS).trim()}`, {
    code: 'nats_server_failed',
    kind: 'permanent',
    hint: 'Mend what its log names, or name another program with --nats-server.',
  });
}
