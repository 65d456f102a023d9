import { type ChildProcess, fork } from 'node:child_process';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { AdctlError, type EngineFacts, fromFailure } from '@adctl/protocol';
import type { Logger } from 'pino';
import type { TrainerConfig } from './config.js';
import { readOomKills } from './oom-evidence.js';
import { toTrainerArguments } from './trainer/arguments.js';
import type { FromTrainer, StartTrial, ToTrainer, TrainerEnd, TrainerHealth } from './trainer-messages.js';

/** The compiled entries, found from `dist` and, in tests, from `src` alike. */
const ENTRIES = {
  tensorflow: fileURLToPath(new URL('../dist/trainer/main.js', import.meta.url)),
  noop: fileURLToPath(new URL('../dist/trainer/noop-main.js', import.meta.url)),
} as const;

/** How the training process's part of an attempt ended. */
export type TrainerRunEnd =
  | { readonly kind: 'ended'; readonly end: TrainerEnd }
  | {
      readonly kind: 'died';
      readonly exit: { readonly code: number | null; readonly signal: string | null };
      /** Last lines on stderr. */
      readonly stderr: string;
      /** The kernel killed some process for memory meanwhile. */
      readonly oomKilled: boolean;
    };

/** What a training process says while a trial runs. */
export type TrainerEvent = Exclude<FromTrainer, { type: 'ready' | 'unusable' | 'ended' }>;

/**
 * The training process of one slot: started ahead, kept warm between trials, and replaced after a fault, a leak, or when
 * it has served long enough.
 */
export interface Trainer {
  /**
   * Waits for a process that is ready to train, starting one if need be.
   * @throws AdctlError whatever the process says when it can never train (`engine_missing`, `gpu_not_seen`); transient
   *   `trainer_start_failed` when it died before it could say anything.
   */
  ready(): Promise<EngineFacts>;
  /** Runs one trial; `ready` must have been called. Never throws: everything that happens to the process is an end. */
  run(start: StartTrial, listen: (event: TrainerEvent) => void): Promise<TrainerRunEnd>;
  /** Asks the running trial to end at the next step boundary. */
  stop(checkpoint: boolean): void;
  /** Kills the process at once; the running trial ends as `died`. */
  kill(): void;
  /** Process id of the current process, for people and tests. */
  pid(): number | undefined;
  /** What a process last said of itself after a trial; null before the first one. */
  health(): TrainerHealth | null;
  /** Ends the process and waits for it; no new one is started. */
  close(): Promise<void>;
}

/** A process with its readiness and its death as promises that never reject. */
interface TrainerProcess {
  readonly child: ChildProcess;
  readonly ready: Promise<{ readonly engine: EngineFacts } | { readonly error: AdctlError }>;
  readonly died: Promise<Extract<TrainerRunEnd, { kind: 'died' }>>;
}

/** @param logger hears what the processes print and why they are replaced. */
export function createTrainer(config: TrainerConfig, logger: Logger): Trainer {
  let current: TrainerProcess | undefined;
  let closed = false;
  let health: TrainerHealth | null = null;

  const retire = (why: string) => {
    if (current === undefined) return;
    logger.info({ pid: current.child.pid, why }, 'the training process is replaced');
    disconnect(current.child);
    current = undefined;
  };
  const ensure = (): TrainerProcess => {
    current ??= startProcess(config, logger);
    return current;
  };
  const judge = (end: TrainerEnd, now: TrainerHealth) => {
    health = now;
    if (end.kind === 'failed') retire('fault');
    else if (now.leakedTensors > 0) {
      logger.warn(now, 'the trial left tensors behind');
      retire('leak');
    } else if (now.rssBytes > config.recycleRssBytes) retire('memory');
    else if (now.trials >= config.recycleTrials) retire('age');
    if (!closed) ensure(); // the next one loads TensorFlow while the slot looks for work
  };

  return {
    async ready() {
      const process = ensure();
      const state = await process.ready;
      if ('engine' in state) return state.engine;
      if (current === process) current = undefined;
      throw state.error;
    },
    async run(start, listen) {
      const process = ensure();
      const { promise: ended, resolve } = Promise.withResolvers<TrainerRunEnd>();
      const onMessage = (message: FromTrainer) => {
        if (message.type === 'ended') {
          judge(message.end, message.health);
          resolve({ kind: 'ended', end: message.end });
        } else if (message.type !== 'ready' && message.type !== 'unusable') listen(message);
      };
      process.child.on('message', onMessage);
      send(process.child, start);
      const end = await Promise.race([ended, process.died]);
      process.child.off('message', onMessage);
      if (end.kind === 'died' && current === process) current = undefined;
      return end;
    },
    stop: (checkpoint) => void (current && send(current.child, { type: 'stop', checkpoint })),
    kill: () => void current?.child.kill('SIGKILL'),
    pid: () => current?.child.pid,
    health: () => health,
    async close() {
      closed = true;
      const process = current;
      current = undefined;
      if (process === undefined) return;
      disconnect(process.child);
      await process.died;
    },
  };
}

/**
 * - V8 enlarges the space of its young objects in steps, late, and never shrinks it: over 30 trials that looked like a leak
 *   of 180 MB. Capped, the memory stays flat and trials take as long as before.
 * - Collections can be asked for between trials, see `trainer/main.ts`.
 */
const EXEC_ARGUMENTS = ['--max-semi-space-size=16', '--expose-gc'];

/** Lines of stderr kept as evidence, in characters. */
const STDERR_TAIL = 8192;

function startProcess(config: TrainerConfig, logger: Logger): TrainerProcess {
  const child = fork(ENTRIES[config.kind], toTrainerArguments(config), {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: EXEC_ARGUMENTS,
  });
  const killsBefore = readOomKills();
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL);
    logger.debug({ pid: child.pid, stderr: text.trimEnd() }, 'the training process wrote to stderr');
  });
  const lastWords = child.stderr === null ? undefined : finished(child.stderr).catch(() => undefined); // read or broken: over
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    logger.debug({ pid: child.pid, stdout: text.trimEnd() }, 'the training process wrote to stdout');
  });

  const death = Promise.withResolvers<Extract<TrainerRunEnd, { kind: 'died' }>>();
  const readiness = Promise.withResolvers<Awaited<TrainerProcess['ready']>>();
  const onDeath = async (code: number | null, signal: string | null) => {
    await lastWords;
    const oomKilled = (await readOomKills()) > (await killsBefore);
    readiness.resolve({ error: startFailed(code, signal, stderr) });
    death.resolve({ kind: 'died', exit: { code, signal }, stderr, oomKilled });
  };
  // Not `close`, which never comes after `disconnect`; `error` instead when the process could not be started.
  child.on('exit', (code, signal) => void onDeath(code, signal));
  child.on('error', (error) => {
    stderr += `\n${error.message}`;
    if (child.pid === undefined) void onDeath(null, null);
  });
  child.on('message', (message: FromTrainer) => {
    if (message.type === 'ready') readiness.resolve({ engine: message.engine });
    if (message.type === 'unusable') readiness.resolve({ error: fromFailure(message.failure) });
  });
  return { child, ready: readiness.promise, died: death.promise };
}

/** A process that is gone already has its own consequence: its death. */
function send(child: ChildProcess, message: ToTrainer): void {
  if (child.connected) child.send(message, () => undefined);
}

/** The process ends by itself when its channel closes; one that is stuck in a native call is killed. */
function disconnect(child: ChildProcess): void {
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  timer.unref();
  child.once('exit', () => clearTimeout(timer));
}

function startFailed(code: number | null, signal: string | null, stderr: string): AdctlError {
  return new AdctlError(`The training process died before it was ready (${signal ?? `exit code ${code}`}).`, {
    code: 'trainer_start_failed',
    kind: 'transient',
    hint: 'Run adctl doctor to test the engine.',
    details: { code, signal, stderr: stderr.slice(-2000) },
  });
}
