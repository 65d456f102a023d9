import { type Clock, createLeaseTimes, type Messaging, type StateEntry, systemClock } from '@adctl/messaging';
import type { Sha256, WorkerId } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import type { Logger } from 'pino';
import { forgetLeases } from './apply/forget-leases.js';
import { mendStatuses } from './apply/sweep-status.js';
import { settleAll } from './batches.js';
import type { ControllerContext, Counters, ExplainClass } from './context.js';
import { codeOf, isPassing, isSuperseded } from './failure-scope.js';
import { guardWrites } from './leader/guard-writes.js';
import type { Leadership } from './leader/leadership.js';
import { type Measures, NO_MEASURES } from './metrics/metrics.js';
import { Fleet } from './observe/fleet.js';
import { followEvents, hearWorkers, Inbox, watchLeases } from './observe/inbox.js';
import { LeaseBoard } from './observe/lease-board.js';
import { loadSweeps } from './observe/load-sweeps.js';
import type { LossClass } from './plan/loss.js';
import { EQUAL_OWNERS, type OwnerPolicies } from './plan/owner-policy.js';
import type { FindCard } from './plan/trial-plan.js';
import { reconcile } from './reconcile.js';
import { ResultIndex } from './results/result-index.js';
import { Serial } from './serial.js';
import { RETRY_ACK_WAITS } from './set-apart.js';
import { runTurn } from './turn.js';
import { unlessAborted } from './unless-aborted.js';

export interface ControllerOptions {
  readonly messaging: Messaging;
  readonly objects: ObjectStore;
  readonly findCard: FindCard;
  readonly codeVersionOf: (method: string) => Sha256;
  readonly logger: Logger;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default 60 s; every other time hangs on it. */
  readonly ackWaitMs?: number;
  /** Slots that are known to come, by class; default none: the first heartbeat tells. */
  readonly expectedSlots?: Readonly<Record<string, number>>;
  /** Default 2. */
  readonly windowPerSlot?: number;
  /** Hears of what is counted. Default: nobody. */
  readonly measures?: Measures;
  /** Hears whenever something has come to an end, well or badly: the sign that the controller does not hang. */
  readonly onPulse?: () => void;
  /** Default: all alike, no quotas. */
  readonly owners?: OwnerPolicies;
  /** What pools know of a class. Default: nothing. */
  readonly explainClass?: ExplainClass;
  /** Everybody may change everybody's sweeps. Default: the owner alone, and admins. */
  readonly sharedControl?: boolean;
  /** See `ControllerContext.orderedWrites`. Default false. */
  readonly orderedWrites?: boolean;
  /** The election this controller won; without one it is alone by other means. It stops when the leadership is lost. */
  readonly leadership?: Leadership;
  /** No worker of an earlier controller can be alive: its claims are taken back at once. Default false. */
  readonly takeOver?: boolean;
  /** Ends the start: whoever asked for it has no use for it any more. A controller that runs is closed instead. */
  readonly signal?: AbortSignal;
}

/** A running controller. */
export interface Controller {
  readonly context: ControllerContext;
  /** Runs a step between two turns, so that it sees and leaves a settled state. */
  settled<T>(step: () => Promise<T>): Promise<T>;
  /** A worker's process has ended: its claims are taken back at once. @param how default `node-lost`: nobody knows more. */
  workerGone(worker: WorkerId, how?: LossClass): Promise<void>;
  /** Aborted when the controller cannot go on, with the error as reason, or when it was closed. */
  readonly stopped: AbortSignal;
  /** Stops at the next settled state. Everything is on disk already. */
  close(): Promise<void>;
}

/**
 * Starts a controller over the given deployment: reads what is there, mends it, then lives on news (milliseconds) with a
 * tick every quarter of an ack wait as the safety net.
 * @throws AdctlError what messaging or the object store throw while everything is read, or what the leadership was lost for;
 *   the signal's reason. Whatever was begun has ended then, or writes nothing more.
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { logger, leadership, clock = systemClock } = options;
  const { messaging, objects } = leadership === undefined ? options : guardWrites(options, leadership);
  const times = createLeaseTimes(options.ackWaitMs);
  const stop = new AbortController();
  const inbox = new Inbox();
  const serial = new Serial();
  const counters: Counters = { illegalTransitions: 0, ignoredFacts: 0, reused: 0, dispatched: 0 };
  let started = false;
  let isDispatching = false;
  let scheduled = false;
  let ticking = false;
  let cancelTimer: () => void = () => undefined;

  const trials = messaging.state.bucket('trial');
  const books: ControllerContext['books'] = new Map();
  const context: ControllerContext = {
    messaging,
    objects,
    sweeps: messaging.state.bucket('sweep'),
    trials,
    leases: messaging.state.bucket('lease'),
    identities: messaging.state.bucket('identity'),
    submissions: messaging.state.bucket('submission'),
    findCard: options.findCard,
    codeVersionOf: options.codeVersionOf,
    clock,
    times,
    logger,
    fleet: new Fleet({
      silenceMs: 2 * times.ackWaitMs,
      expectedSlots: options.expectedSlots ?? {},
      windowPerSlot: options.windowPerSlot ?? 2,
    }),
    leaseBoard: new LeaseBoard(),
    results: new ResultIndex({ objects, trials, books, logger }),
    books,
    statuses: new Map(),
    held: new Map(),
    strangers: new Set(),
    counters,
    measures: options.measures ?? NO_MEASURES,
    starts: new Map(),
    owners: options.owners ?? EQUAL_OWNERS,
    explainClass: options.explainClass ?? (() => []),
    sharedControl: options.sharedControl ?? false,
    orderedWrites: options.orderedWrites ?? false,
    term: leadership?.term,
    wake,
    pulse: options.onPulse ?? (() => undefined),
  };

  /** Asks for a turn; many asks before it starts are one. */
  function wake(): void {
    if (!started || scheduled || stop.signal.aborted) return;
    scheduled = true;
    void serial.run(turn).catch(fail);
  }

  async function turn(): Promise<void> {
    scheduled = false;
    if (stop.signal.aborted) return;
    cancelTimer();
    let next: number | null;
    try {
      next = await runTurn(context, inbox);
      noteFirstDispatch();
    } catch (error) {
      if (!isPassing(error) || stop.signal.aborted) throw error;
      logger.warn({ err: error }, 'turn will be repeated');
      context.measures.failed(codeOf(error));
      next = clock.now() + RETRY_ACK_WAITS * times.ackWaitMs;
    }
    if (next !== null) cancelTimer = clock.after(next - clock.now(), wake);
  }

  /** Says when the windows were filled for the first time, with workers heard. */
  function noteFirstDispatch(): void {
    const slots = context.fleet.slots();
    if (isDispatching || slots === 0) return;
    isDispatching = true;
    logger.info({ sweeps: books.size, slots }, 'dispatches');
  }

  /** The safety net; skipped while the previous one runs. */
  function tick(): void {
    if (stop.signal.aborted) return;
    clock.after(times.renewMs, tick);
    if (ticking) return;
    ticking = true;
    void serial
      .run(async () => {
        if (stop.signal.aborted) return;
        await reconcile(context);
        wake();
      })
      .catch((error: unknown) => {
        if (!isPassing(error)) throw error;
        logger.warn({ err: error }, 'reconciling failed; the next tick tries again');
        context.measures.failed(codeOf(error));
      })
      .catch(fail)
      .finally(() => {
        ticking = false;
        context.pulse();
      });
  }

  /** A claim of a worker that is known to be dead, heard of late: not to wait for the next tick. */
  function mend(): void {
    if (!started) return;
    runSoon(async () => {
      await reconcile(context);
      wake();
    });
  }

  /** Runs part of what a tick does between two turns. */
  function runSoon(step: () => Promise<void>): void {
    void serial
      .run(async () => {
        if (!stop.signal.aborted) await step();
      })
      .catch((error: unknown) => {
        if (!isPassing(error)) fail(error); // the next tick tries again
      });
  }

  function fail(error: unknown): void {
    if (stop.signal.aborted) return;
    if (isSuperseded(error)) logger.warn({ err: error }, 'another controller leads; this one stops');
    else logger.fatal({ err: error }, 'the controller cannot go on');
    stop.abort(error);
  }

  /** Runs a follower until the controller stops; one that ends earlier takes the controller with it. */
  function keep(following: Promise<void>): void {
    following.catch(fail);
  }

  /** The controller ends with what it stands on. */
  function endWith(signal: AbortSignal): void {
    if (signal.aborted) fail(signal.reason);
    else signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  }

  /** Reads what is there and begins to listen. No step waits for what will not come: whatever stops the controller ends it. */
  async function begin(): Promise<() => Promise<void>> {
    const step = <T>(promise: Promise<T>) => unlessAborted(stop.signal, promise);
    // Events from here on are followed; what happened before is read from records, leases and objects.
    const about = { version: 1, at: new Date(clock.now()).toISOString() };
    const marker = await step(messaging.events.append('controller.start', about));
    await step(loadSweeps(context));
    const leasesRead = Promise.withResolvers<readonly StateEntry[]>();
    keep(watchLeases(context, inbox, { signal: stop.signal, onReady: leasesRead.resolve, onDeadClaim: mend }));
    const strays = await step(leasesRead.promise);
    for (const filter of ['result.>', 'attempt.>', 'release.>'] as const) {
      keep(followEvents(context, inbox, filter, { from: marker.sequence + 1, signal: stop.signal }));
    }
    const hearing = hearWorkers(context);
    try {
      await step(hearing);
      const known = { everyClaimDead: options.takeOver ?? false, atStart: true };
      await step(serial.run(() => reconcile(context, known)));
    } catch (error) {
      // Not waited for: where messages do not get through, this does not either.
      hearing
        .then((unhear) => unhear())
        .catch((problem: unknown) => logger.debug({ err: problem }, 'heartbeats are still heard'));
      throw error;
    }
    started = true;
    clock.after(times.renewMs, tick);
    wake();
    runSoon(() => mendStatuses(context)); // nobody waits for it to be answered
    // Left behind by a controller that died while it deleted them.
    const ofSweeps = Map.groupBy(strays, ({ key }) => key.split('.')[0] ?? '');
    const forgetting = [...ofSweeps].map(([sweep, seen]) => forgetLeases(context, sweep, seen));
    settleAll(forgetting).catch((error: unknown) => {
      if (!stop.signal.aborted) logger.warn({ err: error }, 'leases of ended sweeps stay until the next start');
    });
    return hearing;
  }

  endWith(messaging.closed);
  if (leadership !== undefined) endWith(leadership.lost);
  const giveUp = () => stop.abort(options.signal?.reason);
  if (options.signal?.aborted === true) giveUp();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  const unhear = await begin().catch((error: unknown) => {
    stop.abort(error); // the followers end
    throw error;
  });
  options.signal?.removeEventListener('abort', giveUp);

  return {
    context,
    settled: (step) => serial.run(step),
    async workerGone(worker, how) {
      context.fleet.remove(worker, how);
      if (stop.signal.aborted) return;
      await serial.run(() => reconcile(context, { workerEnded: true }));
      wake();
    },
    stopped: stop.signal,
    async close() {
      const isAsked = !stop.signal.aborted;
      if (isAsked) await serial.run(async () => stop.abort(new Error('the controller was closed')));
      cancelTimer();
      await unhear();
      // One that was deposed must be a standby soon, however long the object store lets the index wait.
      if (isAsked) await context.results.settled();
    },
  };
}
