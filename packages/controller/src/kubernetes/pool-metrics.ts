import type { WorkerPod } from '@adctl/protocol';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PoolBoard } from './pool-board.js';
import type { StartStages } from './start-stages.js';

const STATES: readonly WorkerPod['state'][] = [
  ...(['pending', 'unschedulable', 'pulling', 'starting', 'idle', 'busy', 'draining', 'lost'] as const),
];

/** Metrics of the pools of one process, whichever leader they follow. */
export interface PoolMetrics {
  /** An answer of the API server; status 0: none came. */
  answered(verb: string, status: number): void;
  /** A worker can train for the first time. */
  started(pool: string, stages: StartStages): void;
  /** Reads gauges from these pools when scraped, until the returned function is called. */
  follow(board: PoolBoard, silentMs: () => number): () => void;
}

const START_BUCKETS = [1, 5, 15, 30, 60, 120, 300, 600, 1_800];

/** Registers them. Call once for a registry. */
export function createPoolMetrics(registry: Registry): PoolMetrics {
  const registers = [registry];
  let followed: { readonly board: PoolBoard; readonly silentMs: () => number } | undefined;
  const requests = new Counter({
    name: 'adctl_kube_requests_total',
    help: 'Answers of the Kubernetes API server; code 0: none came.',
    labelNames: ['verb', 'code'],
    registers,
  });
  const starts = new Histogram({
    name: 'adctl_worker_start_seconds',
    help: 'From the making of a Job to its worker that can train, by stage: until a node, until the container runs, until ready.',
    labelNames: ['pool', 'stage'],
    buckets: START_BUCKETS,
    registers,
  });
  new Gauge({
    name: 'adctl_workers',
    help: 'Worker pods by pool and state.',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      this.reset();
      const workers = followed?.board.workers() ?? [];
      for (const { pool } of followed?.board.pools() ?? []) {
        for (const state of STATES) {
          this.set({ pool, state }, workers.filter((worker) => worker.pool === pool && worker.state === state).length);
        }
      }
    },
  });
  new Gauge({
    name: 'adctl_desired_workers',
    help: 'Workers that a pool should have.',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset();
      for (const { pool, desired } of followed?.board.pools() ?? []) this.set({ pool }, desired);
    },
  });
  new Gauge({
    name: 'adctl_pool_circuit_open',
    help: '1 while a pool makes no workers because too many failed at start, else 0.',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset();
      for (const { pool, conditions } of followed?.board.pools() ?? []) {
        this.set({ pool }, conditions.some(({ type, status }) => type === 'CircuitOpen' && status === 'True') ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: 'adctl_watch_last_event_age_seconds',
    help: 'Since the API server last sent anything about Jobs or pods, bookmarks included.',
    registers,
    collect() {
      if (followed === undefined) this.reset();
      else this.set(followed.silentMs() / 1000);
    },
  });
  return {
    answered: (verb, status) => requests.inc({ verb, code: String(status) }),
    started(pool, stages) {
      for (const [stage, seconds] of Object.entries(stages)) starts.observe({ pool, stage }, seconds);
    },
    follow(board, silentMs) {
      const now = { board, silentMs };
      followed = now;
      return () => {
        if (followed === now) followed = undefined;
      };
    },
  };
}
