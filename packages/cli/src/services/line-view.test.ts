import { expect, it } from 'vitest';
import { buildProgress, buildSweep, buildTrial } from '../testing/builders.fixtures.js';
import { createLineView } from './line-view.js';
import { ProgressTracker } from './sweep-progress.js';

/** A view whose clock is set by hand, and one update at an epoch. */
function createScene() {
  const lines: string[] = [];
  let seconds = 0;
  const view = createLineView(
    (line) => lines.push(line),
    () => seconds,
  );
  return {
    lines,
    at(time: number, epoch: number) {
      seconds = time;
      const tracker = new ProgressTracker(undefined);
      tracker.note(buildProgress({ epoch }));
      view.update(tracker.snapshot(buildSweep(), [buildTrial()], time), new Map());
    },
  };
}

it('writes one line an epoch, at most every five seconds', () => {
  const { lines, at } = createScene();

  at(0, 1);
  at(1, 1);
  at(2, 2);
  at(5, 3);
  at(20, 3);

  expect(lines.map((line) => /epoch \d+/.exec(line)?.[0])).toEqual(['epoch 1', 'epoch 3']);
});
