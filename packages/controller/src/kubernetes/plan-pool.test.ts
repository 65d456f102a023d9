import { expect, it } from 'vitest';
import { type Circuit, CLOSED } from './circuit.js';
import { type PoolSnapshot, planPool, shareDemand } from './plan-pool.js';
import { aPool, aWorker } from './testing/builders.fixtures.js';

const NOW = 1_000_000;

function plan(keys: Partial<PoolSnapshot> = {}) {
  return planPool({ pool: aPool(), template: 'now', demand: 0, workers: [], circuit: CLOSED, nowMs: NOW, ...keys });
}
const actionsOf = (keys: Partial<PoolSnapshot>) =>
  plan(keys).actions.map((one) => (one.action === 'create' ? 'create' : `${one.action} ${one.worker.job}`));

it.each([
  [0, 1, 0, 8, 0],
  [1, 1, 0, 8, 1],
  [5, 2, 0, 8, 3],
  [100, 2, 0, 8, 8],
  [0, 1, 2, 8, 2],
  [3, 4, 0, 0, 0],
])('wants for %i trials at %i slots, min %i and max %i: %i workers', (demand, slotsPerWorker, min, max, desired) => {
  const { desired: wanted, actions } = plan({ pool: aPool({ slotsPerWorker, min, max }), demand });

  expect(wanted).toBe(desired);
  expect(actions).toHaveLength(desired);
});

it.each(['pending', 'unschedulable', 'pulling', 'starting', 'idle', 'busy'] as const)(
  'counts a worker that is %s as existing',
  (state) => {
    expect(actionsOf({ demand: 1, workers: [aWorker({ state, createdMs: NOW })] })).toEqual([]);
  },
);

it.each(['completed', 'failed'] as const)('makes another for one that has %s', (state) => {
  expect(actionsOf({ demand: 1, workers: [aWorker({ state })] })).toEqual(['create']);
});

it('deletes the Job of a lost worker and makes another at once', () => {
  expect(actionsOf({ demand: 1, workers: [aWorker({ state: 'lost' })] })).toEqual(['delete gpu24-1-1', 'create']);
});

it('deletes a lost worker once', () => {
  expect(actionsOf({ demand: 1, workers: [aWorker({ state: 'lost', deleting: true })] })).toEqual(['create']);
});

it('makes one in place of a draining worker, but never above max while it holds its GPU', () => {
  const draining = aWorker({ state: 'draining' });

  expect(actionsOf({ demand: 1, workers: [draining] })).toEqual(['create']);
  expect(actionsOf({ pool: aPool({ max: 1 }), demand: 1, workers: [draining] })).toEqual([]);
});

it('ends no worker to shrink: idle ones end by themselves', () => {
  const workers = ['a', 'b', 'c'].map((job) => aWorker({ job, state: job === 'a' ? 'busy' : 'idle' }));

  expect(actionsOf({ demand: 1, workers })).toEqual([]);
});

it('takes back what has waited for a node longer than an idle worker would stay, and is not needed', () => {
  const workers = [
    aWorker({ job: 'old', state: 'unschedulable', createdMs: NOW - 301_000 }),
    aWorker({ job: 'new', state: 'unschedulable', createdMs: NOW - 299_000 }),
  ];

  expect(actionsOf({ demand: 0, workers })).toEqual(['delete old']);
  expect(actionsOf({ demand: 2, workers })).toEqual([]);
});

it('keeps the minimum by workers that do not end when idle', () => {
  const pool = aPool({ min: 2, max: 4 });
  const kept = (keys: Partial<PoolSnapshot>) =>
    plan({ pool, ...keys }).actions.map((one) => one.action === 'create' && one.kept);

  expect(kept({ demand: 3 })).toEqual([true, true, false]);
  expect(kept({ demand: 3, workers: [aWorker({ job: 'a', kept: true })] })).toEqual([true, false]);
});

it('drains what is older than its lifetime, and what was made before the pool changed', () => {
  const pool = aPool({ maxLifetimeSeconds: 600 });
  const workers = [
    aWorker({ job: 'old', state: 'busy', createdMs: NOW - 601_000 }),
    aWorker({ job: 'changed', template: 'before', createdMs: NOW }),
    aWorker({ job: 'waits', template: 'before', createdMs: NOW, state: 'pending' }),
  ];

  expect(actionsOf({ pool, demand: 1, workers })).toEqual(['drain old', 'drain changed', 'delete waits', 'create']);
});

it('empties a drained pool and makes nothing', () => {
  const workers = [aWorker({ job: 'a', state: 'busy' }), aWorker({ job: 'b', state: 'pending', createdMs: NOW })];

  expect(actionsOf({ pool: aPool({ drain: true, min: 1 }), demand: 9, workers })).toEqual(['drain a', 'delete b']);
});

it('gives up a worker that has a node but never speaks', () => {
  const silent = aWorker({ state: 'pulling', createdMs: NOW - 901_000, scheduledMs: NOW - 901_000 });

  expect(actionsOf({ demand: 1, workers: [silent] })).toEqual(['delete gpu24-1-1', 'create']);
  expect(actionsOf({ demand: 1, workers: [{ ...silent, readyMs: NOW - 5 }] })).toEqual([]);
  expect(actionsOf({ demand: 1, workers: [{ ...silent, scheduledMs: NOW - 899_000 }] })).toEqual([]);
});

it('makes nothing while the circuit is open, and one after the pause', () => {
  const circuit: Circuit = { failures: 3, openings: 1, openUntilMs: NOW, lastFailure: 'exit code 77' };
  const onTheWay = aWorker({ state: 'pulling', createdMs: NOW });

  expect(actionsOf({ demand: 4, circuit: { ...circuit, openUntilMs: NOW + 1 } })).toEqual([]);
  expect(actionsOf({ demand: 4, circuit })).toEqual(['create']);
  expect(actionsOf({ demand: 4, circuit, workers: [onTheWay] })).toEqual([]);
});

const GPU = { class: 'gpu', max: 2, slotsPerWorker: 2, closed: false };

it('fills the first pool of a class before the next, and past one that is closed', () => {
  const spot = { ...GPU, name: 'spot' };
  const steady = { ...GPU, name: 'steady' };
  const other = { ...GPU, name: 'cpu', class: 'cpu' };
  const demand = new Map([['gpu', 7]]);

  expect(Object.fromEntries(shareDemand([spot, steady, other], demand))).toEqual({ spot: 4, steady: 3, cpu: 0 });
  expect(shareDemand([{ ...spot, closed: true }, steady], demand).get('steady')).toBe(7);
  expect(shareDemand([spot, { ...steady, closed: true }], demand).get('spot')).toBe(7);
});
