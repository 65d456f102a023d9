import { PRIORITIES } from '@adctl/messaging';
import { SweepId } from '@adctl/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DispatchSweep, planDispatch } from './dispatch.js';

const CLASSES = ['cpu', 'gpu'] as const;
const sweeps = fc.array(
  fc.record({
    owner: fc.constantFrom('ann', 'bob', 'eve'),
    class: fc.constantFrom(...CLASSES),
    priority: fc.constantFrom(...PRIORITIES),
    parallel: fc.integer({ min: 1, max: 20 }),
    inFlight: fc.integer({ min: 0, max: 10 }),
    available: fc.integer({ min: 0, max: 30 }),
  }),
  { maxLength: 8 },
);
const windows = fc.record({ cpu: fc.integer({ min: 0, max: 40 }), gpu: fc.integer({ min: 0, max: 40 }) });

describe('dispatch never hands out too much and never leaves room unused', () => {
  test('windows, parallel and what is available are kept; a place stays free only when nobody can take it', () => {
    fc.assert(
      fc.property(sweeps, windows, (parts, window) => {
        const all = parts.map((part, i): DispatchSweep => ({ ...part, sweep: SweepId.parse(`s${i}`) }));
        const classes = CLASSES.map((name) => ({ class: name, window: window[name] }));

        const picks = new Map(planDispatch(classes, all).map(({ sweep, count }) => [sweep, count]));

        for (const { class: name } of classes) {
          const ofClass = all.filter((sweep) => sweep.class === name);
          const before = ofClass.reduce((sum, sweep) => sum + sweep.inFlight, 0);
          const picked = ofClass.reduce((sum, sweep) => sum + (picks.get(sweep.sweep) ?? 0), 0);
          expect(picked).toBeLessThanOrEqual(Math.max(0, window[name] - before));
          const hungry = ofClass.filter((sweep) => {
            const count = picks.get(sweep.sweep) ?? 0;
            return count < sweep.available && sweep.inFlight + count < sweep.parallel;
          });
          if (before + picked < window[name]) expect(hungry).toEqual([]);
        }
        for (const sweep of all) {
          const count = picks.get(sweep.sweep) ?? 0;
          expect(count).toBeLessThanOrEqual(sweep.available);
          if (count > 0) expect(sweep.inFlight + count).toBeLessThanOrEqual(sweep.parallel);
        }
      }),
    );
  });
});
