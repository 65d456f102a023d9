import { PRIORITIES } from '@adctl/messaging';
import { SweepId } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DispatchSweep, planDispatch } from './dispatch.js';
import type { OwnerPolicies } from './owner-policy.js';

const CLASSES = ['cpu', 'gpu'] as const;
const OWNERS = ['ann', 'bob', 'eve'] as const;
const sweeps = fc.array(
  fc.record({
    owner: fc.constantFrom(...OWNERS),
    class: fc.constantFrom(...CLASSES),
    priority: fc.constantFrom(...PRIORITIES),
    parallel: fc.integer({ min: 1, max: 20 }),
    inFlight: fc.integer({ min: 0, max: 10 }),
    available: fc.integer({ min: 0, max: 30 }),
    lastServed: fc.nat(),
  }),
  { maxLength: 8 },
);
const classes = fc.record({
  window: fc.integer({ min: 0, max: 40 }),
  overdue: fc.boolean(),
});
const policies = fc
  .array(
    fc.record({ weight: fc.constantFrom(0.5, 1, 2, 3), slots: fc.constantFrom(1, 2, 5, 12, Number.POSITIVE_INFINITY) }),
    {
      minLength: OWNERS.length,
      maxLength: OWNERS.length,
    },
  )
  .map((all): OwnerPolicies => ({ of: (owner) => all[OWNERS.indexOf(owner as (typeof OWNERS)[number])]! }));
const named = (parts: readonly Omit<DispatchSweep, 'sweep'>[]) =>
  parts.map((part, i): DispatchSweep => ({ ...part, sweep: SweepId.parse(`s${i}`) }));

describe('dispatch never hands out too much and never leaves room unused', () => {
  test('windows, quotas, parallel and what is available are kept; a place stays free only when nobody may take it', () => {
    fc.assert(
      fc.property(sweeps, fc.record({ cpu: classes, gpu: classes }), policies, (parts, byClass, owners) => {
        const all = named(parts);
        const both = CLASSES.map((name) => ({ class: name, ...byClass[name] }));

        const picks = new Map(planDispatch(both, all, owners).map(({ sweep, count }) => [sweep, count]));

        const after = ({ sweep, inFlight }: DispatchSweep) => inFlight + (picks.get(sweep) ?? 0);
        const slots = (owner: string) =>
          all.reduce((sum, sweep) => sum + (sweep.owner === owner ? after(sweep) : 0), 0);
        for (const one of both) {
          const ofClass = all.filter((sweep) => sweep.class === one.class);
          const before = ofClass.reduce((sum, sweep) => sum + sweep.inFlight, 0);
          const taken = ofClass.reduce((sum, sweep) => sum + after(sweep), 0);
          expect(taken - before).toBeLessThanOrEqual(Math.max(0, one.window - before));
          const hungry = ofClass.filter(
            (sweep) =>
              (picks.get(sweep.sweep) ?? 0) < sweep.available &&
              after(sweep) < sweep.parallel &&
              slots(sweep.owner) < owners.of(sweep.owner).slots,
          );
          if (taken < one.window && !one.overdue) expect(hungry).toEqual([]);
          if (one.overdue) expect(taken).toBe(before);
        }
        for (const sweep of all) {
          const count = picks.get(sweep.sweep) ?? 0;
          expect(count).toBeLessThanOrEqual(sweep.available);
          if (count === 0) continue;
          expect(after(sweep)).toBeLessThanOrEqual(sweep.parallel);
          expect(slots(sweep.owner)).toBeLessThanOrEqual(owners.of(sweep.owner).slots);
        }
      }),
    );
  });

  test('owners who both want more share the places by their weights', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 4 }), (window, weight) => {
        const wants = {
          class: 'cpu',
          priority: 'normal',
          parallel: 1000,
          inFlight: 0,
          available: 1000,
          lastServed: 0,
        } as const;
        const all = named([
          { ...wants, owner: 'ann' },
          { ...wants, owner: 'bob' },
          { ...wants, owner: 'bob' },
        ]);
        const owners: OwnerPolicies = { of: (owner) => ({ weight: owner === 'ann' ? weight : 1, slots: 1000 }) };

        const picks = planDispatch([{ class: 'cpu', window, overdue: false }], all, owners);

        const ann = picks.find(({ sweep }) => sweep === 's0')?.count ?? 0;
        expect(Math.abs(ann - (window * weight) / (weight + 1))).toBeLessThanOrEqual(1);
        const [second = 0, third = 0] = ['s1', 's2'].map((id) => picks.find(({ sweep }) => sweep === id)?.count);
        expect(Math.abs(second - third)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

/** Windows of starts after which a message is overdue. */
const PATIENCE_WINDOWS = 4;

interface Message {
  readonly sweep: DispatchSweep;
  readonly since: number;
  /** Starts before it was dispatched. */
  readonly starts: number;
}

/** Workers that take the highest priority first, and trials of random length: what the queue does in earnest. */
function simulate(all: readonly DispatchSweep[], slots: number, owners: OwnerPolicies, steps: number, seed: number) {
  const chance = createGenerator(seed, 'dispatch', 'simulation');
  const started = new Map<SweepId, number[]>(all.map(({ sweep }) => [sweep, []]));
  const queue: Message[] = [];
  let running: { readonly sweep: DispatchSweep; readonly until: number }[] = [];
  const lastServed = new Map<SweepId, number>();
  let served = 0;
  let starts = 0;
  let idleWithWork = 0;
  const rank = ({ priority }: DispatchSweep): number => PRIORITIES.indexOf(priority);

  const inFlight = (id: SweepId) => [...queue, ...running].filter(({ sweep }) => sweep.sweep === id).length;

  /** One turn of the controller, and workers that take what is there. @returns whether anything was started. */
  const turn = (step: number): boolean => {
    const overdue = queue.some((message) => starts - message.starts > PATIENCE_WINDOWS * 2 * slots);
    const now = all.map((sweep) => ({
      ...sweep,
      inFlight: inFlight(sweep.sweep),
      lastServed: lastServed.get(sweep.sweep) ?? 0,
    }));
    for (const { sweep, count } of planDispatch([{ class: 'cpu', window: 2 * slots, overdue }], now, owners)) {
      const whole = all.find((one) => one.sweep === sweep)!;
      served += count;
      lastServed.set(sweep, served);
      for (let i = 0; i < count; i++) queue.push({ sweep: whole, since: step, starts });
    }
    queue.sort((a, b) => rank(a.sweep) - rank(b.sweep) || a.since - b.since);
    const taken = queue.splice(0, slots - running.length);
    starts += taken.length;
    for (const { sweep } of taken) {
      started.get(sweep.sweep)!.push(step);
      running.push({ sweep, until: step + 1 + Math.floor(chance.uniform() * 6) });
    }
    return taken.length > 0;
  };

  for (let step = 0; step < steps; step++) {
    running = running.filter(({ until }) => until > step);
    while (turn(step)); // every claim is news, and news is another turn
    const allowed = all.some((sweep) => {
      const ofOwner = [...queue, ...running].filter((one) => one.sweep.owner === sweep.owner).length;
      return inFlight(sweep.sweep) < sweep.parallel && ofOwner < owners.of(sweep.owner).slots;
    });
    if (running.length < slots && allowed) idleWithWork += 1;
  }
  return { started, idleWithWork };
}

describe('over time, with workers that always take the highest priority first', () => {
  test('no sweep starves and no slot idles while somebody may start a trial', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            owner: fc.constantFrom(...OWNERS),
            class: fc.constant('cpu'),
            priority: fc.constantFrom(...PRIORITIES),
            parallel: fc.integer({ min: 1, max: 10 }),
            inFlight: fc.constant(0),
            available: fc.constant(1000),
            lastServed: fc.constant(0),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        fc.integer({ min: 1, max: 6 }),
        policies,
        fc.integer(),
        (parts, slots, owners, seed) => {
          const { started, idleWithWork } = simulate(named(parts), slots, owners, 600, seed);

          for (const [sweep, starts] of started) {
            const gaps = [...starts, 600].map((at, i, list) => at - (list[i - 1] ?? 0));
            expect(Math.max(...gaps), `longest wait of ${sweep}`).toBeLessThan(300);
          }
          expect(idleWithWork).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
