import { TrialId } from '@adctl/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOW, SWEEP, TRIAL } from '../testing/records.fixtures.js';
import { chooseTop, planGc, type SeenCheckpoint, type SeenTrial } from './plan-gc.js';

const nowMs = NOW.getTime();
const HOUR = 3_600_000;
const at = (attempt: number, step: number, changes: Partial<SeenCheckpoint> = {}): SeenCheckpoint => ({
  attempt,
  step,
  committed: true,
  epoch: step,
  bytes: 10,
  newestMs: nowMs - 48 * HOUR,
  manifest: `a${attempt}/s${step}/MANIFEST.json`,
  files: [],
  ...changes,
});
const seen = (checkpoints: SeenCheckpoint[], changes: Partial<SeenTrial> = {}): SeenTrial => ({
  sweep: SWEEP,
  trial: TRIAL,
  fate: 'live',
  checkpoints,
  head: null,
  heldAttempt: null,
  keptEpoch: undefined,
  ...changes,
});
const why = (trial: SeenTrial) => planGc(trial, { nowMs }).map((one) => `${one.delete ? 'delete' : 'keep'} ${one.why}`);

describe('which checkpoints go', () => {
  test.each<[string, SeenTrial, string[]]>([
    [
      'of a live trial the last two stay, the best, and where the head points',
      seen([at(1, 1), at(1, 2), at(1, 3), at(2, 4), at(2, 5)], { keptEpoch: 2, head: { attempt: 1, step: 1 } }),
      ['keep head', 'keep best', 'delete superseded', 'keep last', 'keep last'],
    ],
    [
      'a later attempt is newer, whatever its step',
      seen([at(2, 1), at(1, 9), at(1, 8)]),
      ['keep last', 'keep last', 'delete superseded'],
    ],
    [
      'the attempt that holds the claim loses nothing',
      seen([at(1, 1), at(2, 2), at(2, 3), at(2, 4), at(2, 5, { committed: false })], { heldAttempt: 2 }),
      ['delete superseded', 'keep held', 'keep held', 'keep held', 'keep held'],
    ],
    [
      'what is young stays, also without a manifest',
      seen([
        at(1, 1, { newestMs: nowMs - 23 * HOUR, committed: false }),
        at(1, 2),
        at(1, 3),
        at(1, 4, { newestMs: nowMs }),
      ]),
      ['keep young', 'delete superseded', 'keep last', 'keep young'],
    ],
    [
      'what was never finished goes',
      seen([at(1, 1, { committed: false }), at(1, 2)]),
      ['delete unfinished', 'keep last'],
    ],
    [
      'everything of a top trial stays',
      seen([at(1, 1), at(1, 2), at(1, 3)], { fate: 'top' }),
      ['keep top', 'keep top', 'keep top'],
    ],
    ['nothing of a past one', seen([at(1, 1), at(1, 2)], { fate: 'past' }), ['delete past', 'delete past']],
  ])('%s', (_name, trial, expected) => {
    expect(why(trial)).toEqual(expected);
  });

  test('the best of an ended sweep, either way round, and all report trials', () => {
    const trials = [0.5, 0.9, undefined, 0.7].map((objective, i) => ({
      trial: TrialId.parse(`t00000${i}-00000000`),
      phase: 'search' as const,
      objective,
    }));
    const report = { trial: TrialId.parse('t000009-00000000'), phase: 'report' as const, objective: undefined };

    expect([...chooseTop([...trials, report], 'maximize', 2)].sort()).toEqual(
      [trials[1]!.trial, trials[3]!.trial, report.trial].sort(),
    );
    expect([...chooseTop(trials, 'minimize', 1)]).toEqual([trials[0]!.trial]);
  });

  test('never the held attempt, never what is young, never the two newest of a live trial', () => {
    const checkpoint = fc.record({
      attempt: fc.integer({ min: 1, max: 4 }),
      step: fc.integer({ min: 1, max: 30 }),
      committed: fc.boolean(),
      ageHours: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(checkpoint, { selector: ({ attempt, step }) => `${attempt} ${step}`, maxLength: 12 }),
        fc.option(fc.integer({ min: 1, max: 4 })),
        fc.constantFrom('live', 'top', 'past'),
        (list, heldAttempt, fate) => {
          const checkpoints = list.map(({ attempt, step, committed, ageHours }) =>
            at(attempt, step, { committed, newestMs: nowMs - ageHours * HOUR }),
          );

          const deleted = planGc(seen(checkpoints, { heldAttempt, fate }), { nowMs })
            .filter((one) => one.delete)
            .map((one) => one.checkpoint);

          expect(deleted.every(({ attempt }) => attempt !== heldAttempt)).toBe(true);
          expect(deleted.every(({ newestMs }) => nowMs - newestMs >= 24 * HOUR)).toBe(true);
          const newest = checkpoints
            .filter(({ committed }) => committed)
            .sort((a, b) => b.attempt - a.attempt || b.step - a.step)
            .slice(0, 2);
          if (fate !== 'past') for (const one of newest) expect(deleted).not.toContain(one);
        },
      ),
    );
  });
});
