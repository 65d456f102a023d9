import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLOSED } from './circuit.js';
import { type PoolAction, type PoolSnapshot, planPool } from './plan-pool.js';
import { aPool, aWorker } from './testing/builders.fixtures.js';
import type { PodWorker, PodWorkerState } from './worker-state.js';

const NOW = 10_000_000;
const STATES: PodWorkerState[] = [
  ...(['pending', 'unschedulable', 'pulling', 'starting', 'idle', 'busy', 'draining'] as const),
  ...(['lost', 'completed', 'failed'] as const),
];
const GONE: PodWorkerState[] = ['lost', 'completed', 'failed'];
const living = (workers: readonly PodWorker[]) => workers.filter(({ state }) => !GONE.includes(state)).length;

const worker = fc.record({
  state: fc.constantFrom(...STATES),
  kept: fc.boolean(),
  deleting: fc.boolean(),
  template: fc.constantFrom('now', 'before'),
  createdMs: fc.integer({ min: NOW - 100_000_000, max: NOW }),
  scheduledMs: fc.option(fc.integer({ min: NOW - 2_000_000, max: NOW }), { nil: undefined }),
  readyMs: fc.option(fc.constant(NOW), { nil: undefined }),
});
const snapshot: fc.Arbitrary<PoolSnapshot> = fc
  .record({
    max: fc.nat(12),
    min: fc.nat(12),
    slotsPerWorker: fc.integer({ min: 1, max: 4 }),
    demand: fc.nat(60),
    drain: fc.boolean(),
    workers: fc.array(worker, { maxLength: 16 }),
    circuit: fc.constantFrom(
      CLOSED,
      { failures: 3, openings: 1, openUntilMs: NOW + 1, lastFailure: '' },
      { failures: 3, openings: 1, openUntilMs: NOW, lastFailure: '' },
    ),
  })
  .map(({ max, min, slotsPerWorker, demand, drain, workers, circuit }) => ({
    pool: aPool({ max, min: Math.min(min, max), slotsPerWorker, drain }),
    template: 'now',
    demand,
    workers: workers.map((keys, index) => aWorker({ job: `w${index}`, ...keys })),
    circuit,
    nowMs: NOW,
  }));

/** The world right after the actions: new Jobs wait, deleted ones go, drained workers drain. */
function afterwards({ workers }: PoolSnapshot, actions: readonly PoolAction[]): PodWorker[] {
  const changed = new Map<string, Partial<PodWorker>>();
  let made = 0;
  const created: PodWorker[] = [];
  for (const one of actions) {
    if (one.action === 'create') {
      made += 1;
      created.push(aWorker({ job: `new${made}`, state: 'pending', kept: one.kept, createdMs: NOW }));
    } else changed.set(one.worker.job, one.action === 'delete' ? { deleting: true } : { state: 'draining' });
  }
  return [...workers.map((one) => ({ ...one, ...changed.get(one.job) })), ...created];
}

it('never makes workers above max, however many there were', () => {
  fc.assert(
    fc.property(snapshot, (seen) => {
      const after = living(afterwards(seen, planPool(seen).actions));

      expect(after).toBeLessThanOrEqual(Math.max(seen.pool.max, living(seen.workers)));
    }),
  );
});

it('does nothing twice: looking again right after acting asks for nothing', () => {
  fc.assert(
    fc.property(snapshot, (seen) => {
      const workers = afterwards(seen, planPool(seen).actions);

      expect(planPool({ ...seen, workers }).actions).toEqual([]);
    }),
  );
});

it('never deletes what works or drains: only what is lost, has not begun, or never spoke', () => {
  fc.assert(
    fc.property(snapshot, (seen) => {
      for (const one of planPool(seen).actions) {
        if (one.action !== 'delete' || one.why === 'too-slow') continue;
        expect(['lost', 'pending', 'unschedulable', 'pulling']).toContain(one.worker.state);
      }
    }),
  );
});

it('reaches the wanted number once places are free, and then rests', () => {
  fc.assert(
    fc.property(snapshot, (seen) => {
      const closed = { ...seen, circuit: CLOSED };
      let workers: PodWorker[] = [...seen.workers];
      for (let round = 0; round < 4; round++) {
        workers = afterwards({ ...closed, workers }, planPool({ ...closed, workers }).actions);
        // Whatever was going is gone, and whatever was on its way has come up.
        workers = workers
          .filter(({ state, deleting }) => !deleting && state !== 'draining' && !GONE.includes(state))
          .map((one) => aWorker({ job: one.job, kept: one.kept, createdMs: NOW, state: 'busy', readyMs: NOW }));
      }
      const { desired, actions } = planPool({ ...closed, workers });

      expect(actions.filter(({ action }) => action !== 'drain')).toEqual([]);
      expect(workers.length).toBeGreaterThanOrEqual(desired);
    }),
  );
});
