import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { listenForInterrupts } from './interrupts.js';

it('asks gently at the first Ctrl-C and insists at the second', () => {
  const source = new EventEmitter();
  const interrupts = listenForInterrupts(source);

  source.emit('SIGINT');
  expect([interrupts.gentle.aborted, interrupts.now.aborted]).toEqual([true, false]);

  source.emit('SIGTERM');
  expect(interrupts.now.aborted).toBe(true);
});

it('gives the signals back', () => {
  const source = new EventEmitter();

  listenForInterrupts(source).release();

  expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
});
