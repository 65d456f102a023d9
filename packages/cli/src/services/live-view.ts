import { createLogUpdate } from 'log-update';
import { endedLine, renderFrame, totalsLine } from '../render/progress.js';
import type { Style } from '../render/style.js';
import type { ProgressView } from './follow-sweep.js';

const REDRAW_MS = 100;

/**
 * Progress on a terminal: a few lines on stderr, redrawn at most ten times a second. log-update erases and rewrites them in
 * one synchronized write, so nothing flickers, and what `say` and `ended` print scrolls away above.
 */
export function createLiveView(stream: NodeJS.WriteStream, style: Style): ProgressView {
  const screen = createLogUpdate(stream, { showCursor: true });
  /** One frame for each followed sweep. */
  const frames = new Map<string, readonly string[]>();
  let stale = false;
  const redraw = () => {
    if (stale) screen([...frames.values()].flat().join('\n'));
    stale = false;
  };
  const timer = setInterval(redraw, REDRAW_MS);
  const keep = (line: string) => {
    screen.persist(line);
    stale = frames.size > 0;
  };
  return {
    update(progress, differences) {
      const rows = Math.floor(stream.rows / Math.max(1, frames.size));
      frames.set(progress.summary.sweep, renderFrame(progress, differences, { columns: stream.columns, rows, style }));
      stale = true;
    },
    ended(trial, differences) {
      keep(endedLine(trial, differences, style));
    },
    left(progress) {
      frames.delete(progress.summary.sweep);
      keep(totalsLine(progress));
    },
    say: keep,
    close() {
      clearInterval(timer);
      redraw();
      screen.done();
    },
  };
}
