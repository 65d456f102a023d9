import { SweepId } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { type DispatchClass, type DispatchSweep, planDispatch } from './dispatch.js';
import { EQUAL_OWNERS, type OwnerPolicies, parseOwnerPolicies } from './owner-policy.js';

const sweep = (name: string, changes: Partial<DispatchSweep> = {}): DispatchSweep => ({
  sweep: SweepId.parse(name),
  owner: 'ann',
  class: 'cpu',
  priority: 'normal',
  parallel: 100,
  inFlight: 0,
  available: 100,
  lastServed: 0,
  ...changes,
});
const planWith = (place: Omit<DispatchClass, 'class'>, owners: OwnerPolicies, ...sweeps: DispatchSweep[]) =>
  Object.fromEntries(
    planDispatch([{ class: 'cpu', ...place }], sweeps, owners).map(({ sweep: id, count }) => [id, count]),
  );
const plan = (window: number, ...sweeps: DispatchSweep[]) =>
  planWith({ window, overdue: false }, EQUAL_OWNERS, ...sweeps);

describe('who gets the next places of the window', () => {
  test.each<[string, number, DispatchSweep[], Record<string, number>]>([
    ['one sweep fills the window', 4, [sweep('a')], { a: 4 }],
    ['what is in flight counts', 4, [sweep('a', { inFlight: 3 })], { a: 1 }],
    ['a full window takes nothing', 4, [sweep('a', { inFlight: 4 })], {}],
    ['parallel bounds a sweep', 10, [sweep('a', { parallel: 3, inFlight: 1 })], { a: 2 }],
    ['only what is available', 10, [sweep('a', { available: 2 })], { a: 2 }],
    ['equal sweeps share equally', 10, [sweep('a'), sweep('b')], { a: 5, b: 5 }],
    [
      'high gets twice normal, normal twice low',
      14,
      [sweep('a', { priority: 'high' }), sweep('b'), sweep('c', { priority: 'low' })],
      { a: 8, b: 4, c: 2 },
    ],
    [
      'owners share equally however many sweeps they have',
      12,
      [sweep('a'), sweep('b'), sweep('c'), sweep('d', { owner: 'bob' })],
      { a: 2, b: 2, c: 2, d: 6 },
    ],
    ['who has less in flight catches up', 10, [sweep('a', { inFlight: 6 }), sweep('b')], { b: 4 }],
    ['what one cannot use the other gets', 10, [sweep('a', { available: 1 }), sweep('b')], { a: 1, b: 9 }],
    [
      'of equals the one served longest ago goes first',
      1,
      [sweep('a', { lastServed: 9 }), sweep('b', { lastServed: 4 }), sweep('c', { lastServed: 8 })],
      { b: 1 },
    ],
    ['a paused sweep has nothing available', 10, [sweep('a', { available: 0 })], {}],
  ])('%s', (_name, window, sweeps, expected) => {
    expect(plan(window, ...sweeps)).toEqual(expected);
  });

  test('weights shift the shares of owners', () => {
    const owners = parseOwnerPolicies('bob=3', '');

    expect(planWith({ window: 8, overdue: false }, owners, sweep('a'), sweep('b', { owner: 'bob' }))).toEqual({
      a: 2,
      b: 6,
    });
  });

  test('a quota bounds an owner over all classes; the others get what is left', () => {
    const owners = parseOwnerPolicies('', 'ann=3');
    const elsewhere = sweep('e', { class: 'gpu', inFlight: 2, available: 0 });

    const picks = planWith(
      { window: 10, overdue: false },
      owners,
      sweep('a'),
      sweep('b', { owner: 'bob', available: 4 }),
      elsewhere,
    );

    expect(picks).toEqual({ a: 1, b: 4 });
  });

  test('a message that waited too long holds its class back until it was taken', () => {
    expect(planWith({ window: 8, overdue: true }, EQUAL_OWNERS, sweep('a'), sweep('b', { inFlight: 1 }))).toEqual({});
  });

  test('classes have windows of their own', () => {
    const picks = planDispatch(
      [
        { class: 'cpu', window: 2, overdue: false },
        { class: 'gpu', window: 3, overdue: false },
      ],
      [sweep('a'), sweep('b', { class: 'gpu' })],
      EQUAL_OWNERS,
    );

    expect(picks).toEqual([
      { sweep: 'a', count: 2 },
      { sweep: 'b', count: 3 },
    ]);
  });
});
