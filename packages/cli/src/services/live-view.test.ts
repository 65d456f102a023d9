import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PLAIN } from '../render/style.js';
import { buildProgress, buildSweep, buildTrial } from '../testing/builders.fixtures.js';
import { createLiveView } from './live-view.js';
import { ProgressTracker } from './sweep-progress.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A terminal of 100 x 24 that keeps every write. */
function createTerminal() {
  const writes: string[] = [];
  const stream = Object.assign(new PassThrough(), { columns: 100, rows: 24, isTTY: true });
  stream.on('data', (chunk: Buffer) => writes.push(stripVTControlCharacters(String(chunk))));
  return { stream: stream as unknown as NodeJS.WriteStream, writes };
}

function progressAt(epoch: number) {
  const tracker = new ProgressTracker(undefined);
  tracker.note(buildProgress({ epoch }));
  return tracker.snapshot(buildSweep({ counts: { running: 1 } }), [buildTrial()], 0);
}

it('draws only the newest of many updates, ten times a second', () => {
  const { stream, writes } = createTerminal();
  const view = createLiveView(stream, PLAIN);

  for (const epoch of [1, 2, 3, 4]) view.update(progressAt(epoch), new Map());
  expect(writes.join('')).toBe('');
  vi.advanceTimersByTime(100);

  expect(writes.join('')).toContain('epoch 4/20');
  expect(writes.join('')).not.toContain('epoch 3/20');
  view.close();
});

it('keeps the line of an ended trial above the frame, and draws the frame again below it', () => {
  const { stream, writes } = createTerminal();
  const view = createLiveView(stream, PLAIN);
  view.update(progressAt(1), new Map());
  vi.advanceTimersByTime(100);
  writes.length = 0;

  view.ended(buildTrial({ trial: 't000002-00000000', state: 'completed' }), {});
  vi.advanceTimersByTime(100);

  const text = writes.join('');
  expect(text.indexOf('t000002-00000000')).toBeGreaterThanOrEqual(0);
  expect(text.indexOf('epoch 1/20')).toBeGreaterThan(text.indexOf('t000002-00000000'));
  view.close();
});

it('leaves the totals behind when a sweep is left, and no timer', () => {
  const { stream, writes } = createTerminal();
  const view = createLiveView(stream, PLAIN);
  view.update(progressAt(1), new Map());

  view.left(progressAt(1));
  view.close();

  expect(writes.join('').trimEnd()).toMatch(/0\/8 done, 1 running, 7 waiting$/);
  expect(vi.getTimerCount()).toBe(0);
});
