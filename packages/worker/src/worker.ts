import { type Clock, createLeaseTimes, type Messaging, systemClock } from '@adctl/messaging';
import {
  type EngineFacts,
  heartbeatTopic,
  orderTopic,
  type Sha256,
  type TrialAssignment,
  WORKER_EXIT_CODES,
  type WorkerHeartbeat,
  WorkerOrder,
} from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import type { Logger } from 'pino';
import type { CheckpointFigures, RunningAttempt, SlotContext } from './attempt.js';
import type { WorkerConfig } from './config.js';
import { exitCodeOf, isForAnotherVersion, isUnreachable } from './exit-code.js';
import { createDatasetProvider, type DatasetProvider } from './provide-dataset.js';
import { pause } from './retry.js';
import { runTrial } from './run-trial.js';
import { createTrainer, type Trainer } from './trainer.js';

export interface WorkerParts {
  readonly config: WorkerConfig;
  readonly messaging: Messaging;
  readonly objects: ObjectStore;
  readonly codeVersionOf: (method: string) => Sha256;
  /** Of all methods together, for people. */
  readonly codeVersion: string;
  readonly logger: Logger;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: brings images from the object store; for the trainer that reads none, nothing. */
  readonly datasets?: DatasetProvider;
}

/** A worker: takes trials of its class from the queue and runs them, one in each slot. */
export interface Worker {
  /**
   * Works until drained, idle for long enough, cut off, or unable to train; children are gone when it resolves.
   * @returns the process's exit code, one of `WORKER_EXIT_CODES`.
   */
  run(): Promise<number>;
  /** Takes no more trials; those in progress checkpoint and go back to the queue. */
  drain(): void;
  /** Kills the training processes, for a worker that ends without waiting: one stuck in a native call would outlive it. */
  kill(): void;
  /** Process ids of the training processes, for people and tests. */
  trainerPids(): number[];
}

/** One place for a trial, with its process. */
interface Slot {
  readonly trainer: Trainer;
  running: RunningAttempt | null;
  engine: EngineFacts | undefined;
}

/** How long one request for a message waits; afterwards the slot looks at its surroundings. */
const NEXT_WAIT_MS = 5_000;
/** Checkpoints told of in one heartbeat, the newest; more would be no ordinary training. */
const MOST_CHECKPOINTS_TOLD = 100;
/** Pause after the queue or a training process failed for transient reasons. */
const TROUBLE_PAUSE_MS = 1_000;

const NO_IMAGES: DatasetProvider = { provide: async (wanted) => wanted };

export function createWorker(parts: WorkerParts): Worker {
  const { config, messaging, logger, clock = systemClock } = parts;
  const times = createLeaseTimes(config.ackWaitMs);
  const slots: Slot[] = Array.from({ length: config.slots }, (_, slot) => ({
    trainer: createTrainer(config.trainer, logger.child({ slot })),
    running: null,
    engine: undefined,
  }));
  const datasets =
    parts.datasets ?? (config.trainer.kind === 'noop' ? NO_IMAGES : createDatasetProvider({ ...parts, clock }));
  const draining = new AbortController();
  let exitCode: number = WORKER_EXIT_CODES.idleOrDrained;
  let lastBusyMs = clock.now();
  let committed: CheckpointFigures[] = [];

  const end = (code: number) => {
    exitCode = code;
    draining.abort();
  };
  const drain = () => {
    draining.abort();
    for (const { running } of slots) running?.interrupt({ reason: 'drained', checkpoint: true });
  };
  const cutOff = () => {
    end(WORKER_EXIT_CODES.temporary);
    for (const { running } of slots) running?.lose('unreachable');
  };
  const contextOf = (slot: Slot): SlotContext => ({
    ...parts,
    clock,
    times,
    datasets,
    trainer: slot.trainer,
    onAttempt(attempt) {
      slot.running = attempt;
      lastBusyMs = clock.now();
      if (attempt !== null && draining.signal.aborted) attempt.interrupt({ reason: 'drained', checkpoint: true });
      if (attempt !== null && messaging.closed.aborted) attempt.lose('unreachable');
    },
    onCheckpoint: (figures) => committed.push(figures),
    onUnreachable: () => end(WORKER_EXIT_CODES.temporary),
  });
  const isIdleForLong = () =>
    config.idleMs !== null &&
    slots.every(({ running }) => running === null) &&
    clock.now() - lastBusyMs >= config.idleMs;

  /** Waiting for a trial looks the same with and without a server, so the connection is asked. */
  const isCutOffForLong = () => {
    const { isThere, sinceMs } = messaging.contact();
    return !isThere && clock.now() - sinceMs >= config.unreachableMs;
  };
  const isRunningHere = ({ sweep, trial }: TrialAssignment) =>
    slots.some(({ running }) => running?.trial === trial && running.sweep === sweep);

  /** One slot: a process that can train first, then a message, then the trial. */
  const serve = async (slot: Slot) => {
    const context = contextOf(slot);
    let trouble = 0;
    let refusedSince: number | null = null;
    while (!draining.signal.aborted) {
      try {
        slot.engine = await slot.trainer.ready();
        const waitMs = Math.min(NEXT_WAIT_MS, config.idleMs ?? NEXT_WAIT_MS);
        const delivery = await messaging.queue.next({ class: config.class, waitMs, signal: draining.signal });
        trouble = 0;
        refusedSince = null;
        // Handed out again after an outage although it is in work here: it must not be claimed from ourselves.
        if (delivery !== null && isRunningHere(delivery.assignment)) await delivery.nak(times.renewMs);
        else if (delivery !== null) await runTrial(delivery, slot.engine, context);
        else if (isCutOffForLong()) end(WORKER_EXIT_CODES.temporary);
        else if (isIdleForLong()) end(WORKER_EXIT_CODES.idleOrDrained);
      } catch (error) {
        if (draining.signal.aborted) return;
        if (isUnreachable(error)) refusedSince ??= clock.now();
        else if (!isForAnotherVersion(error)) trouble += 1;
        const waitedMs = refusedSince === null ? 0 : clock.now() - refusedSince;
        const code = waitedMs >= config.unreachableMs ? WORKER_EXIT_CODES.temporary : exitCodeOf(error, trouble);
        if (code !== null) {
          logger.fatal({ err: error }, 'this worker cannot go on');
          end(code);
          return drain();
        }
        logger.warn({ err: error }, 'trouble; trying again');
        await pause(TROUBLE_PAUSE_MS * Math.max(1, trouble), clock, draining.signal).catch(() => undefined); // drained meanwhile
      }
    }
  };

  const obey = (payload: unknown) => {
    const parsed = WorkerOrder.safeParse(payload);
    if (!parsed.success) return logger.warn({ payload }, 'an order that this version does not know');
    const order = parsed.data;
    if (order.order === 'drain') return drain();
    const running = slots.find(
      (slot) => slot.running?.trial === order.trial && slot.running.sweep === order.sweep,
    )?.running;
    if (running?.attempt !== order.attempt) return logger.debug(order, 'an order about an attempt that is not here');
    if (order.reason === 'fenced') running.lose('fenced');
    else running.interrupt({ reason: order.reason, checkpoint: order.checkpoint });
  };

  const beat = () => {
    const checkpoints = committed.slice(-MOST_CHECKPOINTS_TOLD);
    committed = [];
    const heartbeat: WorkerHeartbeat = {
      version: 1,
      worker: config.worker,
      at: new Date(clock.now()).toISOString(),
      class: config.class,
      slots: config.slots,
      busy: slots.flatMap(({ running }) =>
        running === null ? [] : [{ sweep: running.sweep, trial: running.trial, attempt: running.attempt }],
      ),
      state: draining.signal.aborted ? 'draining' : slots.every(({ engine }) => engine) ? 'ready' : 'starting',
      codeVersion: parts.codeVersion,
      engine: slots.find(({ engine }) => engine !== undefined)?.engine,
      rssBytes:
        process.memoryUsage.rss() + slots.reduce((sum, { trainer }) => sum + (trainer.health()?.rssBytes ?? 0), 0),
      ...(checkpoints.length === 0 ? {} : { checkpoints }),
    };
    messaging.control
      .publish(heartbeatTopic(config.worker), heartbeat)
      .catch((error) => logger.debug({ err: error }, 'the heartbeat was not heard'));
  };

  return {
    async run() {
      if (messaging.closed.aborted) return WORKER_EXIT_CODES.temporary;
      messaging.closed.addEventListener('abort', cutOff, { once: true });
      const unsubscribe = await messaging.control.subscribe(orderTopic(config.worker), (_, payload) => obey(payload));
      beat();
      const heart = setInterval(beat, config.heartbeatMs);
      try {
        await Promise.all(slots.map(serve));
        if (!messaging.closed.aborted) beat();
      } finally {
        clearInterval(heart);
        messaging.closed.removeEventListener('abort', cutOff);
        await Promise.all(slots.map(({ trainer }) => trainer.close()));
        if (!messaging.closed.aborted) await unsubscribe();
      }
      return exitCode;
    },
    drain,
    kill() {
      for (const { trainer } of slots) trainer.kill();
    },
    trainerPids: () => slots.flatMap(({ trainer }) => trainer.pid() ?? []),
  };
}
