import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process of the cluster with everything it has said on stderr. */
export interface ClusterProcess {
  readonly child: ChildProcess;
  readonly log: () => string;
  /** Resolves once the log holds the words; rejects when the process ends without them. */
  says(words: string): Promise<void>;
  /** Resolves with exit code or signal. */
  readonly ended: Promise<number | string | null>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it with SIGKILL, if it still runs, and waits. */
  remove(): Promise<void>;
}

/** Starts a Node program, leader of a process group of its own. */
export function startProcess(
  entry: string,
  options: { readonly args?: readonly string[]; readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): ClusterProcess {
  const child = spawn(process.execPath, [entry, ...(options.args ?? [])], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let log = '';
  const listeners = new Set<() => void>();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    for (const listener of listeners) listener();
  });
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => (code ?? signal) as number | string | null);
  return {
    child,
    log: () => log,
    ended,
    says(words) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (!log.includes(words)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} without "${words}":\n${log.slice(-4000)}`)));
      });
    },
    kill: (signal) => void child.kill(signal),
    async remove() {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
