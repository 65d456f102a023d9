import { expect, it } from 'vitest';
import { type DemandingSweep, demandByClass } from './demand.js';

const sweep = (keys: Partial<DemandingSweep> = {}): DemandingSweep => ({
  ...{ owner: 'ann', class: 'gpu', parallel: 100, inFlight: 0, available: 0 },
  ...keys,
});
const demand = (sweeps: readonly DemandingSweep[], slots: Record<string, number> = {}) =>
  Object.fromEntries(demandByClass(sweeps, (owner) => slots[owner] ?? Number.POSITIVE_INFINITY));

it.each([
  ['nothing', [], {}],
  ['what waits and what runs', [sweep({ inFlight: 2, available: 3 })], { gpu: 5 }],
  ['no more than a sweep may have in flight', [sweep({ parallel: 4, inFlight: 3, available: 9 })], { gpu: 4 }],
  ['what runs of a paused sweep', [sweep({ inFlight: 2, available: 0 })], { gpu: 2 }],
  [
    'each class apart',
    [sweep({ available: 1 }), sweep({ class: 'cpu', available: 2 }), sweep({ available: 4 })],
    { gpu: 5, cpu: 2 },
  ],
])('counts %s', (_, sweeps, expected) => {
  expect(demand(sweeps)).toEqual(expected);
});

it('counts no more of an owner than their quota, over all classes; what runs comes first', () => {
  const sweeps = [
    sweep({ available: 9 }),
    sweep({ class: 'cpu', inFlight: 3, available: 9 }),
    sweep({ owner: 'bob', available: 1 }),
  ];

  expect(demand(sweeps, { ann: 5 })).toEqual({ gpu: 3, cpu: 3 });
});
