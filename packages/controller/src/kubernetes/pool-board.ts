import type { PoolStatus, TrialWhy, WorkerPod } from '@adctl/protocol';

/** What the pools looked like last, for people: `adctl workers`, `adctl trials why`. */
export class PoolBoard {
  #pools: PoolStatus[] = [];
  #workers: WorkerPod[] = [];

  set(pools: PoolStatus[], workers: WorkerPod[]): void {
    this.#pools = pools;
    this.#workers = workers;
  }

  pools(): PoolStatus[] {
    return this.#pools;
  }

  /** Workers whose Job is there and has not ended. */
  workers(): WorkerPod[] {
    return this.#workers;
  }

  /** Why a class has no more workers than it has. */
  explain(name: string): TrialWhy['reasons'] {
    const pools = this.#pools.filter((pool) => pool.class === name);
    if (pools.length === 0 && this.#pools.length > 0) {
      return [{ code: 'no_pool', message: `no pool makes workers of class ${name}` }];
    }
    return pools.flatMap((pool) => [...this.#explainPool(pool)]);
  }

  *#explainPool(pool: PoolStatus): Generator<TrialWhy['reasons'][number]> {
    for (const { type, status, message } of pool.conditions) {
      const bad = type === 'CircuitOpen' || type === 'Drained' ? status === 'True' : status === 'False';
      if (bad) yield { code: CODES[type], message: `pool ${pool.pool}: ${message}` };
    }
    const held = new Map<string, number>();
    for (const worker of this.#workers) {
      if (worker.pool !== pool.pool || !HELD_UP.has(worker.state)) continue;
      const words = worker.reason === undefined ? worker.state : `${worker.state}: ${worker.reason}`;
      held.set(words, (held.get(words) ?? 0) + 1);
    }
    for (const [words, count] of held) {
      const workers = count === 1 ? 'one worker is' : `${count} workers are`;
      yield { code: 'pool_waiting', message: `pool ${pool.pool}: ${workers} ${words}` };
    }
    if (pool.workers >= pool.max) {
      yield { code: 'pool_full', message: `pool ${pool.pool} has ${pool.workers} workers; its max is ${pool.max}` };
    }
  }
}

const CODES: Readonly<Record<PoolStatus['conditions'][number]['type'], string>> = {
  Valid: 'pool_invalid',
  Creating: 'pool_refused',
  CircuitOpen: 'pool_circuit_open',
  Drained: 'pool_drained',
};
const HELD_UP: ReadonlySet<WorkerPod['state']> = new Set(['pending', 'unschedulable', 'pulling', 'starting']);
