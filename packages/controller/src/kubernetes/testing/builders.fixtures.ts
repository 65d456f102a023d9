import { Pool, type PoolInput } from '../pool.js';
import type { PodWorker } from '../worker-state.js';

/** A GPU pool; a test states what matters to it. */
export function aPool(keys: Partial<PoolInput> = {}): Pool {
  return Pool.parse({
    name: 'gpu24',
    image: 'registry.example/adctl-worker:0.1.0',
    max: 4,
    resources: { requests: { cpu: '4', memory: '16Gi' }, limits: { memory: '16Gi', 'nvidia.com/gpu': '1' } },
    ...keys,
  });
}

/** A worker that has been idle for a while. */
export function aWorker(keys: Partial<PodWorker> = {}): PodWorker {
  const job = keys.job ?? 'gpu24-1-1';
  return {
    job,
    jobUid: `uid-${job}`,
    pool: 'gpu24',
    template: 'now',
    kept: false,
    createdMs: 0,
    deleting: false,
    state: 'idle',
    queued: false,
    failedStart: false,
    ...keys,
  };
}
