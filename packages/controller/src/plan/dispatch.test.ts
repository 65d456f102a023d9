import { SweepId } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { type DispatchSweep, planDispatch } from './dispatch.js';

const sweep = (name: string, changes: Partial<DispatchSweep> = {}): DispatchSweep => ({
  sweep: SweepId.parse(name),
  owner: 'ann',
  class: 'cpu',
  priority: 'normal',
  parallel: 100,
  inFlight: 0,
  available: 100,
  ...changes,
});
const plan = (window: number, ...sweeps: DispatchSweep[]) =>
  Object.fromEntries(planDispatch([{ class: 'cpu', window }], sweeps).map(({ sweep: id, count }) => [id, count]));

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
    ['a paused sweep has nothing available', 10, [sweep('a', { available: 0 })], {}],
  ])('%s', (_name, window, sweeps, expected) => {
    expect(plan(window, ...sweeps)).toEqual(expected);
  });

  test('classes have windows of their own', () => {
    const picks = planDispatch(
      [
        { class: 'cpu', window: 2 },
        { class: 'gpu', window: 3 },
      ],
      [sweep('a'), sweep('b', { class: 'gpu' })],
    );

    expect(picks).toEqual([
      { sweep: 'a', count: 2 },
      { sweep: 'b', count: 3 },
    ]);
  });
});
