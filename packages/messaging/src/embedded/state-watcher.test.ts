import { expect, it } from 'vitest';
import type { StateChange } from '../state-store.js';
import { StateWatcher } from './state-watcher.js';

const change = (key: string, revision: number): StateChange => ({ key, value: revision, revision });

it('does not show again what the snapshot held, though it is told of it late', async () => {
  const watcher = new StateWatcher('');
  const stop = new AbortController();
  const stream = watcher.run({ entries: [change('a', 5)], revision: 5 }, stop.signal);
  const seen = [(await stream.next()).value, (await stream.next()).value];
  watcher.offer(change('a', 5));
  watcher.offer(change('b', 6));
  seen.push((await stream.next()).value);

  expect(seen).toEqual([change('a', 5), 'ready', change('b', 6)]);
  stop.abort();
});

it('keeps only the newest change of each key for a reader that is slow, in order of revision', async () => {
  const watcher = new StateWatcher('s1');
  const stop = new AbortController();
  const stream = watcher.run({ entries: [], revision: 0 }, stop.signal);
  await stream.next();
  for (let revision = 1; revision <= 1000; revision += 1) watcher.offer(change(`s1.t${revision % 3}`, revision));
  watcher.offer(change('s10.t0', 1001));

  const seen = [];
  for (let read = 0; read < 3; read += 1) seen.push((await stream.next()).value);
  expect(seen).toEqual([change('s1.t2', 998), change('s1.t0', 999), change('s1.t1', 1000)]);
  const waiting = stream.next();
  stop.abort();
  expect(await waiting).toEqual({ value: undefined, done: true });
});
