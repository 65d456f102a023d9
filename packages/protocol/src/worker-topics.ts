import type { WorkerId } from './ids.js';

/**
 * Between the pool and the rest in the id of a pool's worker, `gpu--1-1-x7k2p`. In topics the two are tokens of their own, so that
 * a server can keep the credential of one pool from speaking or listening for another's workers.
 */
export const POOL_SEPARATOR = '--';

/** `gpu.1-1-x7k2p` of a pool's worker, `w1` of one that belongs to none. */
const workerTokens = (worker: string): string => worker.replace(/^(.+?)--(.+)$/, '$1.$2');

/** Where a worker says that it is alive. */
export const heartbeatTopic = (worker: string): string => `heartbeat.${workerTokens(worker)}`;
/** Where a worker hears its orders. */
export const orderTopic = (worker: string): string => `order.${workerTokens(worker)}`;

/** The topics of all heartbeats. */
export const HEARTBEATS = 'heartbeat.>';

/** Whether a heartbeat came from the worker it names: whoever may publish on a topic can write anything into it. */
export const isHeartbeatOf = (topic: string, worker: WorkerId): boolean => topic === heartbeatTopic(worker);
