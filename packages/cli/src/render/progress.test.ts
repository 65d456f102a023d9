import { describe, expect, it } from 'vitest';
import { ProgressTracker, tellApart } from '../services/sweep-progress.js';
import { buildProgress, buildSweep, buildTrial } from '../testing/builders.fixtures.js';
import { bar, endedLine, renderFrame } from './progress.js';
import { PLAIN } from './style.js';

const other = buildTrial({
  trial: 't000004-9f8e7d6c',
  hyperparameters: { learningRate: 0.0002, lambdaRec: 10 },
  attempt: 2,
});

function trackerWith(...progress: Parameters<typeof buildProgress>): ProgressTracker {
  const tracker = new ProgressTracker({ searchTrials: 8, reportTrials: 6 });
  tracker.note(buildProgress(...progress));
  return tracker;
}

describe('renderFrame', () => {
  it('shows totals and one line a running trial, with what tells the trials apart', () => {
    const running = [buildTrial(), other];
    const sweep = buildSweep({ counts: { completed: 3, failed: 1, running: 2, queued: 2 }, reused: 1 });

    const frame = renderFrame(trackerWith().snapshot(sweep, running, 0), tellApart(running), {
      columns: 150,
      rows: 24,
      style: PLAIN,
    });

    expect(frame.join('\n')).toMatchInlineSnapshot(`
      "ocgan-mnist-1a2b3c4d  search  3/14 done, 2 running, 8 waiting, 1 failed, 1 reused
        ocgan 8 learningRate=0.001 seed 1234  ██████░░░░░░░░░░ epoch 7/20  reconstruction 0.0213 adversarial 0.702  5,215 images/s  ETA 20 s
        ocgan 8 learningRate=0.0002 seed 1234 attempt 2  ░░░░░░░░░░░░░░░░ starting"
    `);
  });

  it('never fills the last column of a line, so nothing wraps', () => {
    const running = [buildTrial()];

    const frame = renderFrame(trackerWith().snapshot(buildSweep(), running, 0), tellApart(running), {
      columns: 40,
      rows: 24,
      style: PLAIN,
    });

    expect(frame.every((line) => line.length < 40)).toBe(true);
  });

  it('folds what does not fit the height', () => {
    const running = Array.from({ length: 9 }, (_, index) => buildTrial({ trial: `t00000${index}-9f8e7d6c` }));

    const frame = renderFrame(trackerWith().snapshot(buildSweep(), running, 0), tellApart(running), {
      columns: 80,
      rows: 6,
      style: PLAIN,
    });

    expect(frame).toHaveLength(6);
    expect(frame.at(-1)).toBe('  and 5 more running');
  });

  it('ignores what an earlier attempt said', () => {
    const running = [{ ...other, trial: buildTrial().trial }];

    const [line] = trackerWith({ attempt: 1 }).snapshot(buildSweep(), running, 0).running;

    expect(line?.progress).toBeUndefined();
  });
});

describe('the time left', () => {
  it('comes from the speed since watching began, so that reused trials do not flatter it', () => {
    const tracker = new ProgressTracker({ searchTrials: 8, reportTrials: 6 });
    const at = (completed: number) => buildSweep({ counts: { completed }, reused: 4 });

    expect(tracker.snapshot(at(4), [], 100).etaSeconds).toBeUndefined();
    expect(tracker.snapshot(at(6), [], 120).etaSeconds).toBeCloseTo(80);
  });

  it('is not told for a sweep that has ended', () => {
    const tracker = new ProgressTracker(undefined);
    tracker.snapshot(buildSweep({ counts: { completed: 1 } }), [], 0);

    const ended = buildSweep({ state: 'cancelled', counts: { completed: 2 } });

    expect(tracker.snapshot(ended, [], 50).etaSeconds).toBeUndefined();
  });
});

describe('endedLine', () => {
  it('tells selection numbers and time of a completed trial', () => {
    const trial = buildTrial({
      state: 'completed',
      finishedAt: '2026-01-02T03:05:05.000Z',
      selection: { auroc: 0.91, loss: 0.02 },
    });

    expect(endedLine(trial, { learningRate: 0.001 }, PLAIN)).toBe(
      'completed  t000003-9f8e7d6c  search  ocgan 8 learningRate=0.001 seed 1234  selection.auroc 0.9100  in 1 min',
    );
  });

  it('says from where a result was reused, and why another failed', () => {
    const from = { sweep: 'earlier-00000000', trial: 't000001-00000000' };

    expect(endedLine(buildTrial({ state: 'completed', reusedFrom: from }), {}, PLAIN)).toMatch(
      /reused from earlier-00000000 t000001-00000000$/,
    );
    expect(endedLine(buildTrial({ state: 'failed', reason: 'three times out of memory' }), {}, PLAIN)).toMatch(
      /^failed .*: three times out of memory$/,
    );
  });
});

it.each([
  [0, '░░░░░░░░░░░░░░░░'],
  [0.5, '████████░░░░░░░░'],
  [2, '████████████████'],
])('bar(%f)', (fraction, cells) => {
  expect(bar(fraction)).toBe(cells);
});
