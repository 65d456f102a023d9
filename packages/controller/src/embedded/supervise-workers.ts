import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@adctl/messaging';
import { AdctlError, userError, WORKER_EXIT_CODES, WorkerId } from '@adctl/protocol';
import type { Logger } from 'pino';

export interface SupervisorOptions {
  /** The `.adctl` folder. */
  readonly directory: string;
  /** What the processes are, in logs and messages. Default worker. */
  readonly program?: 'worker' | 'controller';
  /** Processes kept alive. */
  readonly workers: number;
  /** Environment of the processes, before the worker's own variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The worker's own variables, the same for all. */
  readonly settings: Readonly<Record<string, string>>;
  readonly entry: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A process has ended: whatever it held must be given to others. */
  readonly onGone: (worker: WorkerId) => void;
  /** No worker can be kept alive; called once. */
  readonly onBroken: (error: AdctlError) => void;
}

export interface Supervisor {
  /** Process ids of the living workers. */
  pids(): number[];
  /** Starts no more workers and ends the living ones: gently (they save checkpoints first) or at once. */
  stop(how: 'drain' | 'now'): Promise<void>;
}

/**
 * Node's flags for a controller's process; the image's entry point has them too. On a large machine V8 keeps much more memory
 * than a controller's objects need: young objects get 16 MiB, and the old ones are looked through whenever they have grown by
 * 30 %, not when they have doubled. Half as much for the young ones costs a seventh more CPU a trial (bench/results.md).
 */
export const CONTROLLER_FLAGS = ['--max-semi-space-size=16', '--heap-growing-percent=30'] as const;

/** Pause before a worker is started again, doubled with every quick end up to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A worker that lived shorter than this ended quickly; so many in a row open the circuit. */
const QUICK_END_MS = 10_000;
const MOST_QUICK_ENDS = 6;
/** A log above this size is set aside when its worker starts. */
const LONGEST_LOG_BYTES = 10 * 1024 * 1024;
const LOG_TAIL_CHARACTERS = 1500;

interface Place {
  readonly index: number;
  starts: number;
  quickEnds: number;
  child: ChildProcess | null;
  gone: Promise<void>;
}

/** The compiled worker program. @throws AdctlError user `not_built`. */
export function findWorkerEntry(): string {
  // Two up from `dist/index.js`, and from `src/index.ts` where this process runs from sources.
  return findEntry('worker', dirname(dirname(createRequire(import.meta.url).resolve('@adctl/worker'))));
}

/** The compiled program of a cluster's controller. @throws AdctlError user `not_built`. */
export function findControllerEntry(): string {
  return findEntry('controller', fileURLToPath(new URL('../..', import.meta.url)));
}

function findEntry(program: string, folder: string): string {
  const entry = join(folder, 'dist', 'main.js');
  if (!existsSync(entry)) {
    throw userError('not_built', `the ${program} program ${entry} is not there`, {
      hint: 'Build the workspace with: npm run build',
      details: { entry },
    });
  }
  return entry;
}

/**
 * Keeps worker processes alive. Their exit codes are an API: 78 and 77 (bad configuration, no GPU) end everything, because
 * the next one would end the same way; anything else starts another worker after a pause that grows with quick ends.
 */
export function superviseWorkers(options: SupervisorOptions): Supervisor {
  const { clock, logger, program = 'worker' } = options;
  const run = clock.now().toString(36);
  const places = Array.from(
    { length: options.workers },
    (_, index): Place => ({ index, starts: 0, quickEnds: 0, child: null, gone: Promise.resolve() }),
  );
  const cancelTimers = new Set<() => void>();
  let stopping = false;

  const start = (place: Place) => {
    if (stopping) return;
    place.starts += 1;
    // Never the same id twice: an id that ended stays ended.
    const worker = WorkerId.parse(`w${place.index}-${run}-${place.starts}`);
    const startedAt = clock.now();
    const log = openLog(options.directory, `${program}-${place.index}`);
    const child = spawn(process.execPath, [...(program === 'controller' ? CONTROLLER_FLAGS : []), options.entry], {
      env: { ...options.environment, ...options.settings, ADCTL_WORKER_ID: worker },
      stdio: ['ignore', log.descriptor, log.descriptor],
      // A process group of its own: Ctrl-C in the terminal is ours to answer, or the worker would be asked to stop twice.
      detached: true,
    });
    closeSync(log.descriptor);
    place.child = child;
    logger.debug({ worker, pid: child.pid, log: log.file }, `${program} started`);
    const { promise, resolve } = Promise.withResolvers<void>();
    place.gone = promise;
    let over = false;
    const onEnd = (code: number | null, signal: NodeJS.Signals | null) => {
      if (over) return;
      over = true;
      place.child = null;
      options.onGone(worker);
      resolve();
      if (!stopping) startAgain(place, { worker, code, signal, livedMs: clock.now() - startedAt, log: log.file });
    };
    child.once('exit', onEnd);
    child.once('error', () => onEnd(null, null));
  };

  const startAgain = (
    place: Place,
    ended: { worker: WorkerId; code: number | null; signal: string | null; livedMs: number; log: string },
  ) => {
    logger.warn(ended, `${program} ended`);
    place.quickEnds = ended.livedMs < QUICK_END_MS ? place.quickEnds + 1 : 0;
    const hopeless = ended.code === WORKER_EXIT_CODES.badConfiguration || ended.code === WORKER_EXIT_CODES.gpuNotSeen;
    if (hopeless || place.quickEnds >= MOST_QUICK_ENDS) {
      stopping = true;
      options.onBroken(processesBroken(program, ended, hopeless));
      return;
    }
    // The first end costs no pause: a killed worker is back at once.
    const pauseMs = place.quickEnds <= 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (place.quickEnds - 2), LONGEST_PAUSE_MS);
    const cancel = clock.after(pauseMs, () => {
      cancelTimers.delete(cancel);
      start(place);
    });
    cancelTimers.add(cancel);
  };

  for (const place of places) start(place);
  return {
    pids: () => places.flatMap(({ child }) => child?.pid ?? []),
    async stop(how) {
      stopping = true;
      for (const cancel of cancelTimers) cancel();
      for (const { child } of places) child?.kill(how === 'drain' ? 'SIGTERM' : 'SIGKILL');
      await Promise.all(places.map(({ gone }) => gone));
    },
  };
}

/** A fresh or continued log of one place; worker ids stand in its lines. */
function openLog(directory: string, name: string): { readonly file: string; readonly descriptor: number } {
  const folder = join(directory, 'logs');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.log`);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LONGEST_LOG_BYTES) renameSync(file, `${file}.1`);
  return { file, descriptor: openSync(file, 'a') };
}

/** Thrown at whoever waits for trials when no process can be kept alive: wrong settings, no engine, or ends again and again. */
function processesBroken(
  program: 'worker' | 'controller',
  ended: {
    readonly worker: string;
    readonly code: number | null;
    readonly signal: string | null;
    readonly log: string;
  },
  hopeless: boolean,
): AdctlError {
  const how = ended.code === null ? `signal ${ended.signal ?? 'unknown'}` : `exit code ${ended.code}`;
  const tail = readFileSync(ended.log, 'utf8').slice(-LOG_TAIL_CHARACTERS).trim();
  const who = program === 'worker' ? 'Workers' : 'Controllers';
  return new AdctlError(`${who} ${hopeless ? 'cannot run here' : 'end again and again'} (${how}):\n${tail}`, {
    code: 'workers_broken',
    kind: hopeless ? 'user' : 'permanent',
    hint: `Run: adctl doctor. The whole log is ${ended.log}. Nothing is lost: the same command continues.`,
    details: { ...ended },
  });
}
