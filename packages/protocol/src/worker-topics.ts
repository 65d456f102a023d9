import type { WorkerId } from './ids.js';
import { POOL_SEPARATOR } from './pool-names.js';

/** `gpu.1-1-x7k2p` of a pool's worker, `w1` of one that belongs to none. */
const workerTokens = (worker: string): string => worker.replace(new RegExp(`^(.+?)${POOL_SEPARATOR}(.+)$`), '$1.$2');

/** Where a worker says that it is alive. */
export const heartbeatTopic = (worker: string): string => `heartbeat.${workerTokens(worker)}`;
/** Where a worker hears its orders. */
export const orderTopic = (worker: string): string => `order.${workerTokens(worker)}`;

/** The topics of all heartbeats. */
export const HEARTBEATS = 'heartbeat.>';

/** Whether a heartbeat came from the worker it names: whoever may publish on a topic can write anything into it. */
export const isHeartbeatOf = (topic: string, worker: WorkerId): boolean => topic === heartbeatTopic(worker);
