import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NatsServerOptions {
  /** Path of a nats-server (`findNatsBinaries`). */
  readonly path: string;
  /** Where it listens; by default the server chooses. */
  readonly port?: number;
  /** Further lines of the server's configuration. */
  readonly config?: string;
  /** Variables that the configuration refers to. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A real nats-server with JetStream on loopback, with a store of its own. */
export interface NatsServer {
  readonly url: string;
  readonly pid: number;
  /** Everything the server logged. */
  log(): string;
  /** Ends it (SIGTERM); its store stays for `start`. */
  stop(): Promise<void>;
  /** Ends it as a crash would (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it again on the same port and store, if it does not run. */
  start(): Promise<void>;
  /** Ends it as a crash would and destroys its store: what `start` brings back knows nothing. */
  lose(): Promise<void>;
  /** Ends it and deletes the store. */
  remove(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a server on a free port and resolves once it takes connections.
 * @throws Error with the end of the server's log when it does not start.
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const directory = await mkdtemp(join(tmpdir(), 'adctl-nats-'));
  let log = '';
  let port = options.port ?? -1; // the server chooses
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();

  async function start(): Promise<void> {
    if (child !== undefined) return;
    await writeFile(join(directory, 'server.conf'), renderConfig(directory, port, options.config ?? ''), {
      mode: 0o600,
    });
    const started = spawn(options.path, ['-c', join(directory, 'server.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const begin = log.length;
    const ready = Promise.withResolvers<void>();
    const failed = (why: string) => ready.reject(new Error(`nats-server ${why}: ${log.slice(begin).slice(-2_000)}`));
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (log.includes('Server is ready', begin)) ready.resolve();
    });
    started.on('error', (error) => failed(error.message));
    ended = new Promise((resolve) => {
      started.once('close', () => {
        running.delete(started);
        child = undefined;
        failed('ended');
        resolve();
      });
    });
    child = started;
    running.add(started);
    const timer = setTimeout(() => failed(`did not start within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    try {
      await ready.promise;
    } finally {
      clearTimeout(timer);
    }
    port = Number(/client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1]);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    child?.kill(signal);
    await ended;
  }

  try {
    await start();
  } catch (error) {
    await end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  return {
    get url() {
      return `127.0.0.1:${port}`;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    log: () => log,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    start,
    async lose() {
      await end('SIGKILL');
      await rm(storeOf(directory), { recursive: true });
    },
    async remove() {
      await end('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const storeOf = (directory: string) => join(directory, 'store');

function renderConfig(directory: string, port: number, more: string): string {
  return `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: ${JSON.stringify(storeOf(directory))}, max_file_store: 8GB }\n${more}\n`;
}
