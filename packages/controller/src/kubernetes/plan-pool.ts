import { REASONS } from '../reasons.js';
import { type Circuit, startsAllowed } from './circuit.js';
import type { Pool } from './pool.js';
import type { PodWorker, PodWorkerState } from './worker-state.js';

/** One look at a pool. */
export interface PoolSnapshot {
  readonly pool: Pick<
    Pool,
    'name' | 'min' | 'max' | 'slotsPerWorker' | 'idleSeconds' | 'maxLifetimeSeconds' | 'startSeconds' | 'drain'
  >;
  /** Digest that its Jobs carry now. */
  readonly template: string;
  /** Trials that wait or run and that this pool should have slots for. */
  readonly demand: number;
  readonly workers: readonly PodWorker[];
  readonly circuit: Circuit;
  readonly nowMs: number;
}

export type PoolAction =
  | { readonly action: 'create'; readonly kept: boolean }
  /** Asks the worker to save its trials and end. */
  | { readonly action: 'drain'; readonly worker: PodWorker; readonly why: string }
  /** Deletes the Job with its pod. */
  | { readonly action: 'delete'; readonly worker: PodWorker; readonly why: DeleteReason; readonly message: string };

/** `lost`: its node does not answer. `too-slow`: could not train in time; counts as a failed start. `unneeded`: it has not begun anything. */
export type DeleteReason = 'lost' | 'too-slow' | 'unneeded';

export interface PoolPlan {
  /** Workers there should be. */
  readonly desired: number;
  readonly actions: readonly PoolAction[];
}

const ON_THE_WAY: ReadonlySet<PodWorkerState> = new Set(['pending', 'unschedulable', 'pulling', 'starting']);
const NOT_BEGUN: ReadonlySet<PodWorkerState> = new Set(['pending', 'unschedulable', 'pulling']);
const GONE: ReadonlySet<PodWorkerState> = new Set(['lost', 'completed', 'failed']);

/**
 * Decides what a pool needs: `clamp(ceil(demand / slotsPerWorker), min, max)` workers. Pure.
 *
 * Workers on their way count as existing, whatever holds them up; lost and ended ones do not. Nothing that works is ever
 * deleted to shrink a pool: idle workers end by themselves, and only what waited for a node longer than `idleSeconds` is
 * taken back. A worker that is draining counts against `max`, for it still
 * holds its GPU, but does not serve the demand.
 */
export function planPool(snapshot: PoolSnapshot): PoolPlan {
  const { pool, nowMs } = snapshot;
  const desired = pool.drain ? 0 : desiredWorkers(pool, snapshot.demand);
  const actions: PoolAction[] = [];
  const spare: PodWorker[] = [];
  let living = 0;
  let serving = 0;
  let keptServing = 0;
  let onTheWay = 0;
  for (const worker of snapshot.workers) {
    if (worker.state === 'lost' && !worker.deleting) {
      actions.push({ action: 'delete', worker, why: 'lost', message: worker.reason ?? '' });
    }
    if (GONE.has(worker.state)) continue;
    living += 1;
    if (worker.deleting || worker.state === 'draining') continue;
    const ending = endingOf(worker, snapshot);
    if (ending !== null) {
      actions.push(ending);
      continue;
    }
    serving += 1;
    if (worker.kept) keptServing += 1;
    if (ON_THE_WAY.has(worker.state)) onTheWay += 1;
    if (isSpare(worker, snapshot)) spare.push(worker);
  }
  for (const worker of spare.slice(0, Math.max(0, serving - desired))) {
    actions.push({ action: 'delete', worker, why: 'unneeded', message: REASONS.notNeeded });
  }
  const wanted = Math.min(desired - serving, pool.max - living, startsAllowed(snapshot.circuit, nowMs) - onTheWay);
  for (let made = 0; made < wanted; made++) {
    actions.push({ action: 'create', kept: keptServing + made < pool.min });
  }
  return { desired, actions };
}

function desiredWorkers({ min, max, slotsPerWorker }: PoolSnapshot['pool'], demand: number): number {
  return Math.min(max, Math.max(min, Math.ceil(demand / slotsPerWorker)));
}

/** Has not begun, and waits for so long that it would have ended idle by now: a short dip of the demand deletes nothing. */
function isSpare({ state, kept, createdMs }: PodWorker, { pool, nowMs }: PoolSnapshot): boolean {
  return NOT_BEGUN.has(state) && !kept && nowMs - createdMs > pool.idleSeconds * 1000;
}

/** What ends a living worker that is neither draining nor being deleted, if anything does. */
function endingOf(worker: PodWorker, { pool, template, nowMs }: PoolSnapshot): PoolAction | null {
  const slow =
    worker.readyMs === undefined &&
    worker.scheduledMs !== undefined &&
    nowMs - worker.scheduledMs > pool.startSeconds * 1000;
  if (slow) return { action: 'delete', worker, why: 'too-slow', message: REASONS.tooSlow(pool.startSeconds) };
  const why = whyUnwanted(worker, { pool, template, nowMs });
  if (why === null) return null;
  if (NOT_BEGUN.has(worker.state)) return { action: 'delete', worker, why: 'unneeded', message: why };
  return { action: 'drain', worker, why };
}

function whyUnwanted(
  worker: PodWorker,
  { pool, template, nowMs }: Pick<PoolSnapshot, 'pool' | 'template' | 'nowMs'>,
): string | null {
  if (pool.drain) return REASONS.poolDrained;
  if (worker.template !== template) return REASONS.poolChanged;
  if (nowMs - worker.createdMs > pool.maxLifetimeSeconds * 1000) return REASONS.tooOld(pool.maxLifetimeSeconds);
  return null;
}

/** A pool with what it may be given. */
export interface SharingPool {
  readonly name: string;
  readonly class: string;
  readonly max: number;
  readonly slotsPerWorker: number;
  /** No workers are made for it now: drained, or its circuit is open. */
  readonly closed: boolean;
}

/**
 * Shares the demand of each class among its pools: the first is filled up to its `max`, the rest goes to the next. Pure.
 *
 * @param demand trials that wait or run, by class
 * @returns the same by pool; the last open pool of a class is given all that is left, more than it can have
 */
export function shareDemand(
  pools: readonly SharingPool[],
  demand: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const left = new Map(demand);
  const shares = new Map<string, number>();
  pools.forEach((pool, index) => {
    const wanted = left.get(pool.class) ?? 0;
    const another = pools.slice(index + 1).some((next) => next.class === pool.class && !next.closed);
    const room = pool.closed ? 0 : pool.max * pool.slotsPerWorker;
    const share = another ? Math.min(wanted, room) : wanted;
    shares.set(pool.name, share);
    left.set(pool.class, wanted - share);
  });
  return shares;
}
