import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { listenForInterrupts, refuseInterrupted, unlessInterrupted } from './interrupts.js';

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

it('waits for work until it is interrupted, and not for work that comes after', async () => {
  const interrupt = new AbortController();
  const never = new Promise<string>(() => undefined);
  const refused = { code: 'interrupted', message: expect.stringContaining('nothing was submitted') };

  expect(await unlessInterrupted(interrupt.signal, Promise.resolve('done'))).toBe('done');
  const waiting = unlessInterrupted(interrupt.signal, never);
  interrupt.abort();

  await expect(waiting).rejects.toMatchObject(refused);
  await expect(unlessInterrupted(interrupt.signal, never)).rejects.toMatchObject(refused);
  expect(() => refuseInterrupted(interrupt.signal)).toThrow(expect.objectContaining(refused));
});
